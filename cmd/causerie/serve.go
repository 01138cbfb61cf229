package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strconv"
	"time"

	"causerie/internal/account"
	"causerie/internal/store"
)

type serveCommand struct{}

// Help is printed below the command's line by --help.
func (serveCommand) Help() string {
	return "The first start creates the database and prints a link. Open the link to create the first author. On " +
		"SIGTERM or Ctrl-C the server stops within ten seconds, with everything saved."
}

func (serveCommand) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	slog.SetDefault(log) // for libraries that log to the default logger, or with the package log
	// Listen first: a start that cannot have its port leaves the database alone.
	listeners, err := listen(config)
	if err != nil {
		return err
	}
	s, err := newServer(ctx, config, log)
	if err != nil {
		closeAll(listeners)
		return err
	}
	defer s.close()
	if err := s.printBanner(ctx, c.out); err != nil {
		closeAll(listeners)
		return err
	}
	if warning := s.wrongPort(listeners[0].Addr()); warning != "" {
		fmt.Fprintf(c.err, "causerie: %s\n", warning)
	}
	go debug.FreeOSMemory() // parsing the templates and the schema took more memory than serving does
	return s.serve(ctx, listeners)
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

// printBanner prints where the blog is. When it has no author yet, it also prints the link that creates the first one.
func (s *server) printBanner(ctx context.Context, out io.Writer) error {
	authors, err := s.store.CountAuthors(ctx)
	if err != nil {
		return err
	}
	if authors > 0 {
		fmt.Fprintf(out, "%s is at %s\nThe admin is at %s/admin. Ctrl-C ends the server.\n", s.site.Name, s.site.Home(),
			s.site.URL)
		return nil
	}
	link, err := account.FirstRunLink(ctx, s.store, s.site, time.Now().UTC())
	if err != nil {
		return err
	}
	// A mistyped --database creates a new blog. This line makes that visible.
	if s.founded && !s.config.usual() {
		fmt.Fprintf(out, "A new database was created: %s\n", store.Redact(s.config.Database))
	}
	fmt.Fprintf(out, "Your blog is at %s\n", s.site.Home())
	if isLocal(s.site.URL) {
		fmt.Fprintln(out, localWarning)
	}
	fmt.Fprintf(out, "It has no author yet. To become the first, open this link. It works once:\n\n    %s\n\n"+
		"Ctrl-C ends the server. Your data stays in %s.\n", link, s.config.storage())
	return nil
}

// localWarning is printed when a blog is founded at an address of this machine.
const localWarning = "Only this machine can reach that address, and the address of a blog never changes. For a blog " +
	"that others read, start again with --url https://your.domain and another --data."

// wrongPort returns a warning when a blog at an address of this machine listens on another port than its address has;
// "" otherwise.
func (s *server) wrongPort(listening net.Addr) string {
	address, isTCP := listening.(*net.TCPAddr)
	u, err := url.Parse(s.site.URL)
	if !isTCP || err != nil || !isLocal(s.site.URL) || cmp.Or(u.Port(), "80") == strconv.Itoa(address.Port) {
		return ""
	}
	// Who sets the URL, or hands over sockets, may have a proxy in between.
	if s.config.URL != "" || s.config.sockets > 0 {
		return ""
	}
	return fmt.Sprintf("this blog was started as %s, but listens on %s, so its links lead nowhere: start it with "+
		"--listen %s", s.site.URL, address, s.site.Host())
}

// isLocal reports whether an address can be reached from this machine only.
func isLocal(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	number, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && number.IsLoopback()
}
