package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"causerie/internal/authoring"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/outbox"
	"causerie/internal/media"
	"causerie/internal/remote"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// app is what a command needs to work on a blog. The server contains it too.
//
// A command can run while a server runs. The server notices in the database what a command changed (see store.Watch).
type app struct {
	config  Config
	log     *slog.Logger
	store   *store.Store
	site    blog.Site
	library *media.Library
	remote  *remote.Client
	outbox  *outbox.Outbox
	created bool // the blog did not exist before it was opened
}

// openMode says what openApp does if there is no blog, or an older one.
type openMode int

const (
	mustExist  openMode = iota // an error if there is no blog
	mayCreate                  // creates a blog if there is none
	mayMigrate                 // like mayCreate, and migrates the schema of an older version
)

// openApp opens the blog that the settings describe.
func openApp(ctx context.Context, config Config, log *slog.Logger, mode openMode) (*app, error) {
	s, err := openStore(ctx, config, mode)
	if err != nil {
		return nil, err
	}
	app := &app{config: config, log: log, store: s}
	if err := app.connectRooms(ctx, mode); err != nil {
		app.close()
		return nil, err
	}
	return app, nil
}

// openStore opens the database and checks the version of its schema.
func openStore(ctx context.Context, config Config, mode openMode) (*store.Store, error) {
	if mode == mustExist {
		if err := checkExists(config); err != nil {
			return nil, err
		}
	}
	s, err := store.Open(ctx, config.Database, config.wraps...)
	if err != nil {
		return nil, openError(err)
	}
	err = s.Ready(ctx)
	// Only the server migrates. A command could change the schema while an older server runs.
	if errors.Is(err, store.ErrOlder) && mode == mayMigrate {
		err = s.Migrate(ctx)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// openError adds to the error what the user should check.
func openError(err error) error {
	return fmt.Errorf("%w: check --data and --database, and that this user may write there", err)
}

// checkExists returns an error if the SQLite file does not exist.
func checkExists(config Config) error {
	path := config.Database
	if strings.Contains(path, "://") { // opening a PostgreSQL database never creates it
		return nil
	}
	// SQLite would create an empty database at a mistyped path.
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no blog at %s yet: start “causerie” once, or name its place with --data or "+
			"--database", path)
	}
	return nil
}

// connectRooms reads the site and connects the packages that a command needs.
func (app *app) connectRooms(ctx context.Context, mode openMode) error {
	if err := app.findSite(ctx, mode); err != nil {
		return err
	}
	var err error
	if app.library, err = media.Open(app.config.Media, app.store); err != nil {
		return fmt.Errorf("%w: check --data and --media, and that this user may write there", err)
	}
	if err := app.connect(ctx, app.core().LearnScheme); err != nil {
		return err
	}
	// Wake does nothing, because a command has no courier. The server notices new deliveries in the database.
	app.outbox = &outbox.Outbox{Core: app.core(), Wake: func() {}}
	return nil
}

// connect makes the client for requests to other servers. learn saves that a server understands another signature
// scheme; nil saves nothing.
func (app *app) connect(ctx context.Context, learn func(ctx context.Context, host string, until time.Time)) error {
	key, err := app.instanceKey(ctx)
	if err != nil {
		return err
	}
	newer, err := app.store.RFC9421Peers(ctx, time.Now())
	if err != nil {
		return fmt.Errorf("read the signature schemes of other servers: %w", err)
	}
	app.remote = remote.New(remote.Options{UserAgent: app.userAgent(), Allow: app.config.FederationAllow, Key: key,
		Permit: app.core().Permit, Newer: newer, Learn: learn})
	return nil
}

// userAgent is the name of the blog in requests to other servers.
func (app *app) userAgent() string { return "Causerie/" + version + " (+" + app.site.Home() + ")" }

// openReadOnly opens the blog for a command that changes nothing. It does not save the settings of the site.
func openReadOnly(ctx context.Context, config Config, log *slog.Logger) (*app, error) {
	s, err := openStore(ctx, config, mustExist)
	if err != nil {
		return nil, err
	}
	// findSite would save these two.
	config.Timezone, config.Language = "", "" // set, they would be saved as the site's
	app := &app{config: config, log: log, store: s}
	if err := app.findSite(ctx, mustExist); err != nil {
		app.close()
		return nil, err
	}
	return app, nil
}

// core returns what the federation rooms share.
func (app *app) core() federation.Core {
	return federation.Core{Site: app.site, Store: app.store, Remote: app.remote, Now: time.Now, Log: app.log,
		AllowList: app.config.Federation == allowListMode}
}

// authoring returns the service that writes articles.
func (app *app) authoring() authoring.Service {
	return authoring.Service{Site: app.site, Store: app.store, Outbox: app.outbox, Now: now}
}

func (app *app) instanceKey(ctx context.Context) (signature.Key, error) {
	keys, err := app.store.SigningKeys(ctx, "") // "" is the instance actor
	if err != nil {
		return signature.Key{}, fmt.Errorf("read the key of the site: %w", err)
	}
	return signature.ParseKey(app.site.InstanceID()+"#main-key", keys.Current)
}

// findSite reads the site, or creates it. It returns an error if the settings have another address than the site.
func (app *app) findSite(ctx context.Context, mode openMode) error {
	site, err := app.store.Site(ctx)
	if errors.Is(err, blog.ErrNotFound) {
		if mode == mustExist {
			return fmt.Errorf("there is no blog in %s yet: start “causerie” once", store.Redact(app.config.Database))
		}
		site, err = app.createSite(ctx)
		app.created = err == nil
	}
	if err != nil {
		return err
	}
	app.site = site
	if err := app.checkAddress(); err != nil {
		return err
	}
	return app.applySettings(ctx)
}

// createSite saves a new site with the key of its instance actor.
func (app *app) createSite(ctx context.Context) (blog.Site, error) {
	key, err := signature.NewRSAKey("")
	if err != nil {
		return blog.Site{}, err
	}
	private, err := key.PEM()
	if err != nil {
		return blog.Site{}, err
	}
	public, err := key.PublicPEM()
	if err != nil {
		return blog.Site{}, err
	}
	site := blog.Site{URL: app.config.publicURL(), HandleDomain: app.config.HandleDomain, Language: app.config.Language,
		Timezone: app.config.Timezone, PublicKey: public, CreatedAt: time.Now()}
	site.Name = site.Host() // until an admin names it
	if site.HandleDomain == "" {
		site.HandleDomain = site.Host()
	}
	if site.Language == "" {
		site.Language = "en"
	}
	if site.Timezone == "" {
		site.Timezone = app.config.machineZone
	}
	return app.store.FoundSite(ctx, site, private)
}

// checkAddress returns an error if the settings have another address than the blog. The address can never change.
func (app *app) checkAddress() error {
	if wanted := app.config.URL; wanted != "" && wanted != app.site.URL {
		return fmt.Errorf("url is %s, but this blog was started as %s, and other servers know its articles by that "+
			"address: set url to %s, or choose another --data for a new blog", wanted, app.site.URL, app.site.URL)
	}
	if wanted := app.config.HandleDomain; wanted != "" && wanted != app.site.HandleDomain {
		return fmt.Errorf("handle-domain is %s, but this blog was started with %s, and people follow its authors by that: "+
			"set handle-domain to %s, or choose another --data for a new blog", wanted, app.site.HandleDomain,
			app.site.HandleDomain)
	}
	return nil
}

// applySettings saves the time zone and the language of the settings. They have priority over the values in the
// admin.
func (app *app) applySettings(ctx context.Context) error {
	before := app.site
	if app.config.Timezone != "" {
		app.site.Timezone = app.config.Timezone
	}
	if app.config.Language != "" {
		app.site.Language = app.config.Language
	}
	if app.site == before { // no write at each start: it would make all cached pages stale
		return nil
	}
	return app.store.SaveSite(ctx, app.site)
}

func (app *app) close() {
	// If opening failed, some fields are nil.
	if app.remote != nil {
		app.remote.Close()
	}
	if app.library != nil {
		app.library.Close()
	}
	if err := app.store.Close(); err != nil {
		app.log.Error("the database could not be closed", "error", err)
	}
}

// withApp opens the blog, runs do and closes the blog.
func withApp(ctx context.Context, config Config, log *slog.Logger, mode openMode, do func(*app) error) error {
	app, err := openApp(ctx, config, log, mode)
	if err != nil {
		return err
	}
	defer app.close()
	return do(app)
}
