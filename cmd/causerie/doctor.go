package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"causerie/internal/federation/doctor"
	"causerie/internal/federation/outbox"
)

type doctorCommand struct {
	Fix  bool `help:"Send lost Accepts again, accept followers who wait for no reason, and correct kept counts and lists."`
	JSON bool `name:"json" help:"Print one JSON object on each line."`
}

// Help is printed below the command's line by --help.
func (doctorCommand) Help() string {
	return "It checks the settings, the database, the disk, the keys and the clock. It sends requests to the public " +
		"address of the blog, through any proxy. It looks at deliveries and arrivals that wait, at servers that do not " +
		"answer, and at followers whose follow is pending. Each line begins with ok, warning or wrong, and says what to " +
		"do. Run it on the machine of the server, with its settings and as its user. It sends requests to the blog only. " +
		"The exit status is 1 when something is wrong."
}

// maxTime limits all checks together. Each request to the blog has ten seconds.
const maxTime = 3 * time.Minute

func (x doctorCommand) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	found := x.examine(ctx, config, log)
	t, bad := newTable(c.out, x.JSON), 0
	for _, f := range found {
		if f.Mark == doctor.Wrong {
			bad++
		}
		t.line(f, string(f.Mark), f.Check, f.Words)
		// In JSON the advice is part of the object.
		if f.Do != "" && !x.JSON {
			t.line(nil, "", "", "→ "+f.Do)
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	switch bad {
	case 0:
		return nil
	case 1:
		return errors.New("1 problem: see the line that begins with “wrong”")
	}
	return fmt.Errorf("%d problems: see the lines that begin with “wrong”", bad)
}

// examine does all checks. Without the database, or with settings of another blog, there is nothing more to check.
func (x doctorCommand) examine(ctx context.Context, config Config, log *slog.Logger) []doctor.Finding {
	var e localChecks
	// Not openApp: it ends at the first error, and here every error is a finding.
	s, err := openStore(ctx, config, mustExist)
	if err != nil {
		e.Wrong("database", err.Error(), "")
		return e.List
	}
	config.Timezone, config.Language = "", "" // set, they would be saved as the site's
	e.app = &app{config: config, log: log, store: s}
	defer e.close()
	e.database(ctx)
	e.derived(ctx, x.Fix)
	// The settings may name another blog than the database has.
	if err := e.findSite(ctx, mustExist); err != nil {
		e.Wrong("settings", err.Error(), "")
		return e.List
	}
	e.settings()
	e.disk()
	e.keys(ctx)
	key, err := e.instanceKey(ctx)
	if e.Broken("keys", err) {
		return e.List
	}
	core := e.core()
	checkup := doctor.Doctor{Core: core, Outbox: &outbox.Outbox{Core: core, Wake: func() {}}, Key: key,
		AuthorizedFetch: config.AuthorizedFetch,
		Direct:          config.directAddress(), UserAgent: e.userAgent(), Findings: e.Findings}
	checkup.Run(ctx, x.Fix)
	return checkup.List
}

// directAddress returns the address of the program itself, without a proxy; "" when it listens on a unix socket.
func (c Config) directAddress() string {
	host, port, err := net.SplitHostPort(c.listenAddress())
	if err != nil || port == "" || host == "unix" {
		return ""
	}
	// The program listens on all addresses. None of them is an address to connect to.
	if number := net.ParseIP(host); host == "" || number.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
