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
	Fix  bool `help:"Say yes again to followers whose servers have not heard it, and let those in who wait for no reason."`
	JSON bool `name:"json" help:"Print one JSON object a line."`
}

// Help is printed below the command's line by --help.
func (doctorCommand) Help() string {
	return "It looks at the settings, the database, the disk and the keys; at the blog as the world sees it, by its " +
		"public address and through " +
		"whatever proxy stands before it; at the clock; at deliveries and arrivals that wait, at servers that are silent, " +
		"and at followers " +
		"who see their follow as pending. Each line has a mark: ok, warning or wrong, and what to do. Run it beside the " +
		"server, with its settings " +
		"and as its user. It asks nobody but the blog itself, and ends with 1 when something is wrong."
}

// examTime is how long all of it may take. Each question to the blog has ten seconds.
const examTime = 3 * time.Minute

func (x doctorCommand) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, examTime)
	defer cancel()
	found := x.examine(ctx, config, log)
	t, bad := newTable(c.out, x.JSON), 0
	for _, f := range found {
		if f.Mark == doctor.Wrong {
			bad++
		}
		t.line(f, string(f.Mark), f.Check, f.Words)
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
		return errors.New("one thing is wrong, and what to do stands with it")
	}
	return fmt.Errorf("%d things are wrong, and what to do stands with each", bad)
}

// examine makes all checks that can be made. Without a database, or in one that is not of this blog, there are none
// more.
func (x doctorCommand) examine(ctx context.Context, config Config, log *slog.Logger) []doctor.Finding {
	var e examination
	s, err := openStore(ctx, config, existing)
	if err != nil {
		e.Wrong("database", err.Error(), "")
		return e.List
	}
	config.Timezone, config.Language = "", "" // nothing is written down of them
	e.app = &app{config: config, log: log, store: s}
	defer e.close()
	e.database(ctx)
	if err := e.findSite(ctx, existing); err != nil {
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
		Door:            config.door(), UserAgent: e.userAgent(), Findings: e.Findings}
	checkup.Run(ctx, x.Fix)
	return checkup.List
}

// door is where this machine finds the program itself, without any proxy; "" when it listens where nobody can be asked.
func (c Config) door() string {
	host, port, err := net.SplitHostPort(c.listenAddress())
	if err != nil || port == "" || host == "unix" {
		return ""
	}
	if number := net.ParseIP(host); host == "" || number.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
