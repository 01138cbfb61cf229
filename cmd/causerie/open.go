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

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/outbox"
	"causerie/internal/media"
	"causerie/internal/remote"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// desk is what it takes to act on a blog: in the server itself, and in a command beside a running one, which needs no
// word from us: it looks at the database for new letters every second.
type desk struct {
	config  Config
	log     *slog.Logger
	store   *store.Store
	site    blog.Site
	library *media.Library
	remote  *remote.Client
	outbox  *outbox.Outbox
	founded bool // the blog is new: it was founded as it was opened
}

// need says what a command expects of the database.
type need int

const (
	existing need = iota // a blog that was started before
	founded              // a new blog is founded when there is none
	migrated             // and an older database is brought to this version
)

// openDesk opens the blog that the settings name.
func openDesk(ctx context.Context, config Config, log *slog.Logger, n need) (*desk, error) {
	s, err := openStore(ctx, config, n)
	if err != nil {
		return nil, err
	}
	d := &desk{config: config, log: log, store: s}
	if err := d.furnish(ctx, n); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// openStore opens the database and sees to its schema.
func openStore(ctx context.Context, config Config, n need) (*store.Store, error) {
	if n == existing {
		if err := mustExist(config); err != nil {
			return nil, err
		}
	}
	s, err := store.Open(ctx, config.Database)
	if err != nil {
		return nil, fmt.Errorf("%w: check --data and --database, and that this user may write there", err)
	}
	err = s.Ready(ctx)
	if errors.Is(err, store.ErrOlder) && n == migrated {
		err = s.Migrate(ctx)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// mustExist keeps a command that only asks from making an empty database where it was sent by mistake.
func mustExist(config Config) error {
	path := config.Database
	if strings.Contains(path, "://") {
		return nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no blog at %s yet: start “causerie” once, or say where it is with --data or --database", path)
	}
	return nil
}

// furnish finds the site and makes the rooms that an author's act needs.
func (d *desk) furnish(ctx context.Context, n need) error {
	if err := d.findSite(ctx, n); err != nil {
		return err
	}
	var err error
	if d.library, err = media.Open(d.config.Media, d.store); err != nil {
		return fmt.Errorf("%w: check --data and --media, and that this user may write there", err)
	}
	if err := d.connect(ctx, d.base().LearnScheme); err != nil {
		return err
	}
	d.outbox = &outbox.Outbox{Core: d.base(), Wake: func() {}}
	return nil
}

// connect makes what asks other servers. learn is told how they read signatures; nil where nothing is to be written down.
func (d *desk) connect(ctx context.Context, learn func(ctx context.Context, host string, until time.Time)) error {
	key, err := d.instanceKey(ctx)
	if err != nil {
		return err
	}
	newer, err := d.store.NewerSchemes(ctx, time.Now())
	if err != nil {
		return fmt.Errorf("read what is known of other servers: %w", err)
	}
	d.remote = remote.New(remote.Options{UserAgent: d.userAgent(), Allow: d.config.FederationAllow, Key: key, Permit: d.base().Permit, Newer: newer, Learn: learn})
	return nil
}

// userAgent is how we name ourselves to other servers.
func (d *desk) userAgent() string { return "Causerie/" + version + " (+" + d.site.Home() + ")" }

// openToLook opens the blog for a command that changes nothing: what the settings say of the site is not written down.
func openToLook(ctx context.Context, config Config, log *slog.Logger) (*desk, error) {
	s, err := openStore(ctx, config, existing)
	if err != nil {
		return nil, err
	}
	config.Timezone, config.Language = "", ""
	d := &desk{config: config, log: log, store: s}
	if err := d.findSite(ctx, existing); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *desk) base() federation.Core {
	return federation.Core{Site: d.site, Store: d.store, Remote: d.remote, Now: time.Now, Log: d.log,
		AllowList: d.config.Federation == confined}
}

func (d *desk) instanceKey(ctx context.Context) (signature.Key, error) {
	keys, err := d.store.SigningKeys(ctx, "")
	if err != nil {
		return signature.Key{}, fmt.Errorf("read the key of the site: %w", err)
	}
	return signature.ParseKey(d.site.InstanceID()+"#main-key", keys.Current)
}

// findSite reads the site, or founds it; what the settings say of its address must be what it has.
func (d *desk) findSite(ctx context.Context, n need) error {
	site, err := d.store.Site(ctx)
	if errors.Is(err, blog.ErrNotFound) {
		if n == existing {
			return fmt.Errorf("there is no blog in %s yet: start “causerie” once", store.Redact(d.config.Database))
		}
		site, err = d.found(ctx)
		d.founded = err == nil
	}
	if err != nil {
		return err
	}
	d.site = site
	if err := d.sameAddress(); err != nil {
		return err
	}
	return d.followSettings(ctx)
}

// found writes a new site down, with the key of its instance actor.
func (d *desk) found(ctx context.Context) (blog.Site, error) {
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
	site := blog.Site{URL: d.config.publicURL(), HandleDomain: d.config.HandleDomain, Language: d.config.Language,
		Timezone: d.config.Timezone, PublicKey: public, CreatedAt: time.Now()}
	site.Name = site.Host()
	if site.HandleDomain == "" {
		site.HandleDomain = site.Host()
	}
	if site.Language == "" {
		site.Language = "en"
	}
	if site.Timezone == "" {
		site.Timezone = d.config.machineZone
	}
	return d.store.FoundSite(ctx, site, private)
}

// sameAddress refuses settings that would give a founded site another address.
func (d *desk) sameAddress() error {
	if said := d.config.URL; said != "" && said != d.site.URL {
		return fmt.Errorf("url is %s, but this blog was founded as %s, and other servers know every word of it by that address: "+
			"set url to %s, or choose another --data for a new blog", said, d.site.URL, d.site.URL)
	}
	if said := d.config.HandleDomain; said != "" && said != d.site.HandleDomain {
		return fmt.Errorf("handle-domain is %s, but this blog was founded with %s, and people follow its authors by that: "+
			"set handle-domain to %s, or choose another --data for a new blog", said, d.site.HandleDomain, d.site.HandleDomain)
	}
	return nil
}

// followSettings lets a time zone or a language that somebody set stand above what the admin says.
func (d *desk) followSettings(ctx context.Context) error {
	before := d.site
	if d.config.Timezone != "" {
		d.site.Timezone = d.config.Timezone
	}
	if d.config.Language != "" {
		d.site.Language = d.config.Language
	}
	if d.site == before {
		return nil
	}
	return d.store.SaveSite(ctx, d.site)
}

func (d *desk) close() {
	if d.remote != nil {
		d.remote.Close()
	}
	if d.library != nil {
		d.library.Close()
	}
	if err := d.store.Close(); err != nil {
		d.log.Error("the database was not closed well", "error", err)
	}
}

// at opens the blog for the length of one command.
func at(ctx context.Context, config Config, log *slog.Logger, n need, do func(*desk) error) error {
	d, err := openDesk(ctx, config, log, n)
	if err != nil {
		return err
	}
	defer d.close()
	return do(d)
}
