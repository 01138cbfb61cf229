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

// settings checks whether the settings are right for a public blog.
func (c *localChecks) settings() {
	u, err := url.Parse(c.site.URL)
	switch {
	case err != nil:
		c.Wrong("settings", "the public address "+c.site.URL+" cannot be read",
			"Start a new blog with another --data, and a url like https://overkant.example")
	// This comes before the check for https, which a blog at localhost does not need.
	case isLoopback(u.Hostname()):
		c.Warn("settings", "the public address is "+c.site.URL+", which only this machine can reach",
			"That is right for a trial; for a public blog, start a new one with the url that readers use")
	case u.Scheme != "https":
		c.Wrong("settings", "the public address "+c.site.URL+" is not https, so other servers refuse it",
			"Start a new blog with an https address, behind a proxy with a certificate")
	case len(c.config.FederationAllow) > 0:
		c.Warn("settings", "federation-allow lets strangers cause requests to your private networks",
			"Leave it out on a public server")
	default:
		c.OK("settings", "%s, with handles that end in @%s", c.site.URL, c.site.HandleDomain)
	}
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && address.IsLoopback()
}

// integrityTime is the timeout for the check of the whole database.
const integrityTime = time.Minute

// database checks the integrity of the database. The doctor has opened it already, and has checked the version of its
// schema.
func (c *localChecks) database(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, integrityTime)
	defer cancel()
	troubles, err := c.store.DatabaseProblems(ctx)
	switch {
	// A timeout is not an error in the data.
	case err != nil && ctx.Err() != nil:
		c.Warn("database", "it is of this version, but too large to be checked within a minute",
			"Nothing, if the server works without errors")
		return
	case c.Broken("database", err):
		return
	}
	for _, trouble := range troubles {
		c.Wrong("database", trouble, "Stop the server, keep a copy of the file, and restore the last good backup")
	}
	if len(troubles) == 0 {
		c.OK("database", "%s can be reached and is of this version", store.Redact(c.config.Database))
	}
}

// derived compares what is kept beside the rows with the rows: numbers, and lists of articles. fix makes it anew.
func (c *localChecks) derived(ctx context.Context, fix bool) {
	c.kept(ctx, fix, kept{
		name: "counts", right: "the kept numbers of comments, reactions and followers are those of the rows",
		wrong: "these tables have wrong numbers", find: c.store.WrongCounts, mend: c.store.Recount})
	c.kept(ctx, fix, kept{
		name: "lists", right: "every list has the articles that belong to it",
		wrong: "these lists are wrong", find: c.store.WrongLists, mend: c.store.RelistAll})
}

// kept is something that is kept beside the rows from which it follows.
type kept struct {
	name, right, wrong string
	find               func(context.Context) ([]string, error)
	mend               func(context.Context) error
}

func (c *localChecks) kept(ctx context.Context, fix bool, k kept) {
	ctx, cancel := context.WithTimeout(ctx, integrityTime)
	defer cancel()
	wrong, err := k.find(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		c.Warn(k.name, "the blog is too large for this check within a minute", "Nothing, if the pages are right")
		return
	case c.Broken(k.name, err):
		return
	case len(wrong) == 0:
		c.OK(k.name, "%s", k.right)
		return
	}
	words := k.wrong + ": " + strings.Join(wrong, ", ")
	if !fix {
		c.Wrong(k.name, words, "Run “causerie doctor --fix”, which makes them anew")
		return
	}
	if err := k.mend(ctx); !c.Broken(k.name, err) {
		c.OK(k.name, "%s; they were made anew", words)
	}
}

// Free space, in bytes.
const (
	spaceWarning = 1 << 30
	spaceWrong   = 100 << 20
)

// disk checks that this user can write to the folders, and that there is enough free space.
func (c *localChecks) disk() {
	folders := []string{c.config.Media}
	if !strings.Contains(c.config.Database, "://") { // PostgreSQL has its files elsewhere
		folders = append([]string{filepath.Dir(c.config.Database)}, folders...)
	}
	for _, folder := range folders {
		if err := checkWritable(folder); err != nil {
			c.Wrong("disk", "nothing can be written to "+folder+": "+err.Error(),
				"Allow the user of the server to write there")
			continue
		}
		free, known := freeSpace(folder) // on some systems it is not known
		words := fmt.Sprintf("%s can be written to, and %d MB are free", folder, free>>20)
		switch {
		case !known:
			c.OK("disk", "%s can be written to", folder)
		case free < spaceWrong:
			c.Wrong("disk", words, "Free some space: without it nothing can be published or received")
		case free < spaceWarning:
			c.Warn("disk", words, "Free some space soon")
		default:
			c.OK("disk", "%s", words)
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
	// Collect the errors of all three steps: the file must be closed and removed even if it could not be written.
	return errors.Join(err, file.Close(), os.Remove(file.Name()))
}

// keys checks that each private key can be read and matches its published public key.
func (c *localChecks) keys(ctx context.Context) {
	voices, err := c.store.ActiveVoices(ctx)
	if c.Broken("keys", err) {
		return
	}
	bad := 0
	check := func(who string, voice blog.ID, public string) {
		keys, err := c.store.SigningKeys(ctx, voice)
		if err == nil {
			err = checkPair(keys.Current, public)
		}
		if err != nil {
			bad++
			c.Wrong("keys", "the key of "+who+" cannot be used: "+err.Error(),
				"Restore a backup, or give an author new keys with “causerie author rotate-key”")
		}
	}
	check("the blog itself", "", c.site.PublicKey)
	for _, v := range voices {
		check("@"+v.Handle, v.ID, v.PublicKey)
	}
	if bad == 0 {
		c.OK("keys", "%s can be used", text.Plural(len(voices)+1, "key", "keys"))
	}
}

// checkPair returns an error if a private key does not match a public key.
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
