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

// examination is what can be looked at on this machine.
type examination struct {
	*app
	doctor.Findings
}

// settings looks for what a public blog should not have.
func (e *examination) settings() {
	u, err := url.Parse(e.site.URL)
	switch {
	case err != nil:
		e.Wrong("settings", "the public address "+e.site.URL+" cannot be read",
			"Choose another --data, and a url like https://overkant.example")
	case isLoopback(u.Hostname()):
		e.Warn("settings", "the public address is "+e.site.URL+", which only this machine can reach",
			"That is right for trying things out; a public blog is begun anew with the url that readers use")
	case u.Scheme != "https":
		e.Wrong("settings", "the public address is "+e.site.URL+" and not https, which other servers refuse",
			"Begin the blog anew with an https address, behind a proxy that keeps the certificate")
	case len(e.config.FederationAllow) > 0:
		e.Warn("settings", "federation-allow lets strangers have your private networks asked",
			"Leave it out on a public server")
	default:
		e.OK("settings", "%s, with handles that end in @%s", e.site.URL, e.site.HandleDomain)
	}
}

func isLoopback(host string) bool {
	number, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && number.IsLoopback()
}

// lookThroughTime is how long the whole database is looked through.
const lookThroughTime = time.Minute

// database checks that nothing in it is broken; that it can be reached and is of this version was shown by opening it.
func (e *examination) database(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookThroughTime)
	defer cancel()
	troubles, err := e.store.Troubles(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		e.Warn("database", "it is of this version, and so large that it could not be looked through in a minute",
			"Nothing, if the server has no trouble with it")
		return
	case e.Broken("database", err):
		return
	}
	for _, trouble := range troubles {
		e.Wrong("database", trouble, "Stop the server, keep a copy of the file, and go back to the last backup that is whole")
	}
	if len(troubles) == 0 {
		e.OK("database", "%s can be reached and is of this version", store.Redact(e.config.Database))
	}
}

// Free space, in bytes.
const (
	spaceLook  = 1 << 30
	spaceWrong = 100 << 20
)

// disk checks that there is room, and that this user may write.
func (e *examination) disk() {
	folders := []string{e.config.Media}
	if !strings.Contains(e.config.Database, "://") {
		folders = append([]string{filepath.Dir(e.config.Database)}, folders...)
	}
	for _, folder := range folders {
		if err := tryToWrite(folder); err != nil {
			e.Wrong("disk", "nothing can be written to "+folder+": "+err.Error(),
				"Let the user that runs the server write there")
			continue
		}
		free, known := freeSpace(folder)
		words := fmt.Sprintf("%s can be written to, and %d MB are free there", folder, free>>20)
		switch {
		case !known:
			e.OK("disk", "%s can be written to", folder)
		case free < spaceWrong:
			e.Wrong("disk", words, "Make room: without it nothing can be published or received")
		case free < spaceLook:
			e.Warn("disk", words, "Make room soon")
		default:
			e.OK("disk", "%s", words)
		}
	}
}

// tryToWrite writes a file to a folder, and takes it away again.
func tryToWrite(folder string) error {
	file, err := os.CreateTemp(folder, ".doctor-*")
	if err != nil {
		return err
	}
	_, err = file.WriteString("written by causerie doctor")
	// The file is closed and removed also when it could not be written: every failure is reported.
	return errors.Join(err, file.Close(), os.Remove(file.Name()))
}

// keys checks that what signs is there, and belongs to what others are shown.
func (e *examination) keys(ctx context.Context) {
	voices, err := e.store.ActiveVoices(ctx)
	if e.Broken("keys", err) {
		return
	}
	bad := 0
	check := func(who string, voice blog.ID, public string) {
		keys, err := e.store.SigningKeys(ctx, voice)
		if err == nil {
			err = fits(keys.Current, public)
		}
		if err != nil {
			bad++
			e.Wrong("keys", "the key of "+who+" cannot be used: "+err.Error(),
				"Go back to a backup, or give an author new keys with “causerie author rotate-key”")
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

// fits reports whether a private key belongs to a public one.
func fits(private, public string) error {
	key, err := signature.ParseKey("", private)
	if err != nil {
		return err
	}
	own, err := key.PublicPEM()
	if err == nil && strings.TrimSpace(own) != strings.TrimSpace(public) {
		err = errors.New("it is another one than the profile shows")
	}
	return err
}
