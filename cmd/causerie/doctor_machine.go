package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/doctor"
	"causerie/internal/signature"
	"causerie/internal/store"
	"causerie/internal/text"
)

// localChecks are the checks of this machine, with their findings.
type localChecks struct {
	*app
	doctor.Findings
}

// settings looks for settings that do not suit a public blog.
func (e *localChecks) settings() {
	u, err := url.Parse(e.site.URL)
	switch {
	case err != nil:
		e.Wrong("settings", "the public address "+e.site.URL+" cannot be read",
			"Start a new blog with another --data, and a url like https://overkant.example")
	// Before the check for https: a blog at localhost has none.
	case isLoopback(u.Hostname()):
		e.Warn("settings", "the public address is "+e.site.URL+", which only this machine can reach",
			"That is right for a trial; for a public blog, start a new one with the url that readers use")
	case u.Scheme != "https":
		e.Wrong("settings", "the public address "+e.site.URL+" is not https, so other servers refuse it",
			"Start a new blog with an https address, behind a proxy with a certificate")
	case len(e.config.FederationAllow) > 0:
		e.Warn("settings", "federation-allow lets strangers cause requests to your private networks",
			"Leave it out on a public server")
	default:
		e.OK("settings", "%s, with handles that end in @%s", e.site.URL, e.site.HandleDomain)
	}
}

func isLoopback(host string) bool {
	number, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && number.IsLoopback()
}

// integrityTime limits the check of the whole database.
const integrityTime = time.Minute

// database checks the integrity of the database. That it can be opened and has the right version is known already.
func (e *localChecks) database(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, integrityTime)
	defer cancel()
	troubles, err := e.store.DatabaseProblems(ctx)
	switch {
	// Too slow is no fault of the data.
	case err != nil && ctx.Err() != nil:
		e.Warn("database", "it is of this version, but too large to be checked within a minute",
			"Nothing, if the server works without errors")
		return
	case e.Broken("database", err):
		return
	}
	for _, trouble := range troubles {
		e.Wrong("database", trouble, "Stop the server, keep a copy of the file, and restore the last good backup")
	}
	if len(troubles) == 0 {
		e.OK("database", "%s can be reached and is of this version", store.Redact(e.config.Database))
	}
}

// Free space, in bytes.
const (
	spaceWarning = 1 << 30
	spaceWrong   = 100 << 20
)

// disk checks that this user can write to the folders, and that there is space.
func (e *localChecks) disk() {
	folders := []string{e.config.Media}
	if !strings.Contains(e.config.Database, "://") { // PostgreSQL has its files elsewhere
		folders = append([]string{filepath.Dir(e.config.Database)}, folders...)
	}
	for _, folder := range folders {
		if err := checkWritable(folder); err != nil {
			e.Wrong("disk", "nothing can be written to "+folder+": "+err.Error(),
				"Allow the user of the server to write there")
			continue
		}
		free, known := freeSpace(folder) // on some systems it is not known
		words := fmt.Sprintf("%s can be written to, and %d MB are free", folder, free>>20)
		switch {
		case !known:
			e.OK("disk", "%s can be written to", folder)
		case free < spaceWrong:
			e.Wrong("disk", words, "Free some space: without it nothing can be published or received")
		case free < spaceWarning:
			e.Warn("disk", words, "Free some space soon")
		default:
			e.OK("disk", "%s", words)
		}
	}
}

// checkWritable writes a file to a folder and removes it.
func checkWritable(folder string) error {
	file, err := os.CreateTemp(folder, ".doctor-*")
	if err != nil {
		return err
	}
	_, err = file.WriteString("written by causerie doctor")
	// The file is closed and removed also when it could not be written: every failure is reported.
	return errors.Join(err, file.Close(), os.Remove(file.Name()))
}

// keys checks that each private key can be read and belongs to the public key that other servers get.
func (e *localChecks) keys(ctx context.Context) {
	voices, err := e.store.ActiveVoices(ctx)
	if e.Broken("keys", err) {
		return
	}
	bad := 0
	check := func(who string, voice blog.ID, public string) {
		keys, err := e.store.SigningKeys(ctx, voice)
		if err == nil {
			err = checkPair(keys.Current, public)
		}
		if err != nil {
			bad++
			e.Wrong("keys", "the key of "+who+" cannot be used: "+err.Error(),
				"Restore a backup, or give an author new keys with “causerie author rotate-key”")
		}
	}
	check("the blog itself", "", e.site.PublicKey)
	for _, v := range voices {
		check("@"+v.Handle, v.ID, v.PublicKey)
	}
	if bad == 0 {
		e.OK("keys", "%s can be used", text.Plural(len(voices)+1, "key", "keys"))
	}
}

// checkPair returns an error when a private key does not belong to a public one.
func checkPair(private, public string) error {
	key, err := signature.ParseKey("", private)
	if err != nil {
		return err
	}
	own, err := key.PublicPEM()
	if err == nil && strings.TrimSpace(own) != strings.TrimSpace(public) {
		err = errors.New("it does not belong to the public key of the profile")
	}
	return err
}
