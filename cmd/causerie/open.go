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

// app is what a command needs to work on a blog. The server uses it, and so does a command that runs beside a server.
// Such a command sends the server no message: the server looks for new deliveries in the database every second.
type app struct {
	config  Config
	log     *slog.Logger
	store   *store.Store
	site    blog.Site
	library *media.Library
	remote  *remote.Client
	outbox  *outbox.Outbox
	founded bool // the blog is new: it was founded as it was opened
}

// openMode is what a command expects of the database.
type openMode int

const (
	existing openMode = iota // a blog that was started before
	founded                  // a new blog is founded when there is none
	migrated                 // and an older database is brought to this version
)

// openApp opens the blog of the settings.
func openApp(ctx context.Context, config Config, log *slog.Logger, n openMode) (*app, error) {
	s, err := openStore(ctx, config, n)
	if err != nil {
		return nil, err
	}
	app := &app{config: config, log: log, store: s}
	if err := app.connectRooms(ctx, n); err != nil {
		app.close()
		return nil, err
	}
	return app, nil
}

// openStore opens the database and checks the version of its schema.
func openStore(ctx context.Context, config Config, n openMode) (*store.Store, error) {
	if n == existing {
		if err := mustExist(config); err != nil {
			return nil, err
		}
	}
	s, err := store.Open(ctx, config.Database)
	if err != nil {
		return nil, cannotOpen(err)
	}
	err = s.Ready(ctx)
	// Only the server migrates. A command could change the schema under a running older server.
	if errors.Is(err, store.ErrOlder) && n == migrated {
		err = s.Migrate(ctx)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// cannotOpen says what to check when the database cannot be opened.
func cannotOpen(err error) error {
	return fmt.Errorf("%w: check --data and --database, and that this user may write there", err)
}

// mustExist returns an error when the SQLite file does not exist. Opening it would create an empty database at a
// mistyped path.
func mustExist(config Config) error {
	path := config.Database
	if strings.Contains(path, "://") { // opening a PostgreSQL database never creates it
		return nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no blog at %s yet: start “causerie” once, or name its place with --data or --database",
			path)
	}
	return nil
}

// connectRooms reads the site and makes the rooms that a command needs.
func (app *app) connectRooms(ctx context.Context, n openMode) error {
	if err := app.findSite(ctx, n); err != nil {
		return err
	}
	var err error
	if app.library, err = media.Open(app.config.Media, app.store); err != nil {
		return fmt.Errorf("%w: check --data and --media, and that this user may write there", err)
	}
	if err := app.connect(ctx, app.core().LearnScheme); err != nil {
		return err
	}
	// A command has no courier of its own to wake: the server looks for new deliveries every second.
	app.outbox = &outbox.Outbox{Core: app.core(), Wake: func() {}}
	return nil
}

// connect makes the client for requests to other servers. learn is called when a server is found to understand
// another signature scheme; nil when nothing may be saved.
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

// userAgent names the blog in requests to other servers.
func (app *app) userAgent() string { return "Causerie/" + version + " (+" + app.site.Home() + ")" }

// openToLook opens the blog for a command that changes nothing. Settings of the site are not saved.
func openToLook(ctx context.Context, config Config, log *slog.Logger) (*app, error) {
	s, err := openStore(ctx, config, existing)
	if err != nil {
		return nil, err
	}
	config.Timezone, config.Language = "", "" // set, they would be saved as the site's
	app := &app{config: config, log: log, store: s}
	if err := app.findSite(ctx, existing); err != nil {
		app.close()
		return nil, err
	}
	return app, nil
}

// core returns what the federation rooms share.
func (app *app) core() federation.Core {
	return federation.Core{Site: app.site, Store: app.store, Remote: app.remote, Now: time.Now, Log: app.log,
		AllowList: app.config.Federation == confined}
}

// authoring returns the service that writes articles.
func (app *app) authoring() authoring.Service {
	return authoring.Service{Site: app.site, Store: app.store, Library: app.library, Outbox: app.outbox, Now: now}
}

func (app *app) instanceKey(ctx context.Context) (signature.Key, error) {
	keys, err := app.store.SigningKeys(ctx, "") // "" is the instance actor
	if err != nil {
		return signature.Key{}, fmt.Errorf("read the key of the site: %w", err)
	}
	return signature.ParseKey(app.site.InstanceID()+"#main-key", keys.Current)
}

// findSite reads the site, or founds it. An address in the settings must be the one of the site.
func (app *app) findSite(ctx context.Context, n openMode) error {
	site, err := app.store.Site(ctx)
	if errors.Is(err, blog.ErrNotFound) {
		if n == existing {
			return fmt.Errorf("there is no blog in %s yet: start “causerie” once", store.Redact(app.config.Database))
		}
		site, err = app.found(ctx)
		app.founded = err == nil
	}
	if err != nil {
		return err
	}
	app.site = site
	if err := app.sameAddress(); err != nil {
		return err
	}
	return app.followSettings(ctx)
}

// found saves a new site, with the key of its instance actor.
func (app *app) found(ctx context.Context) (blog.Site, error) {
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

// sameAddress returns an error when the settings name another address than the one the blog was founded with.
func (app *app) sameAddress() error {
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

// followSettings saves the time zone and the language of the settings, if any: they win over what is set in the
// admin.
func (app *app) followSettings(ctx context.Context) error {
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
	// Some fields are nil when opening failed half way.
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
func withApp(ctx context.Context, config Config, log *slog.Logger, n openMode, do func(*app) error) error {
	app, err := openApp(ctx, config, log, n)
	if err != nil {
		return err
	}
	defer app.close()
	return do(app)
}
