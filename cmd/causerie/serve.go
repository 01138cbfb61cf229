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
	// Listen first: if the port is taken, the database stays unchanged.
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
	if warning := s.portWarning(listeners[0].Addr()); warning != "" {
		fmt.Fprintf(c.err, "causerie: %s\n", warning)
	}
	defer time.AfterFunc(startTime, func() {
		debug.FreeOSMemory()
		releaseProgram()
	}).Stop()
	return s.serve(ctx, listeners)
}

// startTime is when the start is over, with the first round of the background work. It took more memory than serving
// does: for the templates, the schema and the statements.
const startTime = 5 * time.Second

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

// printBanner prints the address of the blog. If the blog has no author, it also prints the link for the first
// author.
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
	// A typing error in --database creates a new blog. This line makes it visible.
	if s.created && !s.config.hasDefaultPaths() {
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

// localWarning is printed when a new blog has an address on this machine.
const localWarning = "Only this machine can reach that address, and the address of a blog never changes. For a blog " +
	"that others read, start again with --url https://your.domain and another --data."

// portWarning returns a warning if the blog has an address on this machine and listens on another port; "" otherwise.
func (s *server) portWarning(listening net.Addr) string {
	address, isTCP := listening.(*net.TCPAddr)
	u, err := url.Parse(s.site.URL)
	if !isTCP || err != nil || !isLocal(s.site.URL) || cmp.Or(u.Port(), "80") == strconv.Itoa(address.Port) {
		return ""
	}
	// With a url or with sockets from systemd, a proxy may listen on the port of the address.
	if s.config.URL != "" || s.config.sockets > 0 {
		return ""
	}
	return fmt.Sprintf("this blog was started as %s, but listens on %s, so its links lead nowhere: start it with "+
		"--listen %s", s.site.URL, address, s.site.Host())
}

// isLocal reports whether only this machine can reach the address of a site.
func isLocal(site string) bool {
	u, err := url.Parse(site)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && address.IsLoopback()
}
