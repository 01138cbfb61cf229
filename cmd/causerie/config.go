package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"
	"go.yaml.in/yaml/v3"

	"causerie/internal/blog"
	"causerie/internal/nearest"
	"causerie/internal/store"
)

// Config is what can be set from outside. It is the one list of settings: flags, environment variables, keys of the
// file and the table that “causerie serve --help” prints are made from its tags; help.go has the texts of the table. No
// other file reads the environment, and rooms get the values they need when they are made.
type Config struct {
	File            string   `name:"config" group:"settings" placeholder:"FILE" help:"${help_config}"`
	URL             string   `name:"url" placeholder:"URL" help:"${help_url}"`
	HandleDomain    string   `placeholder:"NAME" help:"${help_handle_domain}"`
	Listen          string   `placeholder:"ADDR" help:"${help_listen}"`
	Data            string   `default:"./data" placeholder:"DIR" help:"${help_data} Default: ${default}."`
	Database        string   `placeholder:"WHERE" help:"${help_database}"`
	Timezone        string   `placeholder:"ZONE" help:"${help_timezone}"`
	Language        string   `placeholder:"TAG" help:"${help_language}"`
	Media           string   `placeholder:"DIR" help:"${help_media}"`
	TLS             string   `name:"tls" default:"off" enum:"off,auto" placeholder:"off" help:"${help_tls}"`
	TrustedProxies  prefixes `placeholder:"PREFIX,…" help:"${help_trusted_proxies}"`
	FederationAllow prefixes `placeholder:"PREFIX,…" help:"${help_federation_allow}"`
	Federation      string   `default:"open" enum:"open,allow-list" placeholder:"open" help:"${help_federation}"`
	AuthorizedFetch bool     `help:"${help_authorized_fetch}"`
	MetricsListen   string   `placeholder:"ADDR" help:"${help_metrics_listen}"`
	SMTP            string   `name:"smtp" placeholder:"URL" help:"${help_smtp}"`
	Log             string   `placeholder:"WORDS" help:"${help_log}"`

	json        bool // the log's shape
	level       slog.Level
	machineZone string // IANA name
	sockets     int    // handed over by systemd
}

// confined is the value of Federation with which the blog speaks only with those who are allowed.
const confined = "allow-list"

// environment is the only look at the process's environment.
func environment() []string { return os.Environ() }

// variable finds a variable in an environment.
func variable(env []string, name string) string {
	for _, entry := range env {
		if key, value, _ := strings.Cut(entry, "="); key == name {
			return value
		}
	}
	return ""
}

// settingNames lists the settings as flags and keys spell them, in the order of the table.
func settingNames(flags []*kong.Flag) []string {
	var names []string
	for _, flag := range flags {
		if flag.Group != nil && flag.Group.Key == "settings" && flag.Name != "config" {
			names = append(names, flag.Name)
		}
	}
	return names
}

const envPrefix = "CAUSERIE_"

// notSettings are variables with our prefix that are meant for others: the file itself, and the tests.
var notSettings = []string{envPrefix + "CONFIG", envPrefix + "TEST_REQUIRE", envPrefix + "CORPUS"}

func envName(setting string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
}

// settingsResolver answers for the settings that no flag gave: from the environment, then from the file.
//
// It is our own, not kong.DefaultEnvars with the package kong-yaml. In kong a resolver, such as that of a file, wins
// over the environment; here the environment wins over the file. Kong also reads a variable for every flag of every
// command, not only for settings, takes an empty one for a value, and reads the process's environment itself. The
// package kong-yaml ignores unknown keys and knows no line numbers, so both errors that name the nearest setting
// would still be written here.
type settingsResolver struct {
	env  []string
	read bool
	file map[string]string
}

// Validate refuses variables that no setting has.
func (e *settingsResolver) Validate(app *kong.Application) error {
	var known []string
	for _, name := range settingNames(app.Flags) {
		known = append(known, envName(name))
	}
	for _, entry := range e.env {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(known, name) || slices.Contains(notSettings, name) {
			continue
		}
		return unknown("environment variable", name, append(known, envPrefix+"CONFIG"))
	}
	return nil
}

func unknown(what, name string, known []string) error {
	if near := nearest.Word(name, known); near != "" {
		return fmt.Errorf("%s %q is not known; did you mean %q?", what, name, near)
	}
	return fmt.Errorf("%s %q is not known; “causerie serve --help” lists all settings", what, name)
}

// Resolve finds one setting.
func (e *settingsResolver) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Group == nil || flag.Group.Key != "settings" {
		return nil, nil
	}
	value := variable(e.env, envName(flag.Name))
	if value == "" && flag.Name != "config" {
		if err := e.load(ctx); err != nil {
			return nil, err
		}
		value = e.file[flag.Name]
	}
	if value == "" {
		return nil, nil
	}
	return value, nil
}

// fileTrouble is what is wrong with the settings file, whichever setting was looked for in it.
type fileTrouble struct{ error }

// load reads the file that the flag or the variable names, once.
func (e *settingsResolver) load(ctx *kong.Context) error {
	if e.read {
		return nil
	}
	e.read = true
	path := variable(e.env, envPrefix+"CONFIG")
	for _, flag := range ctx.Flags() {
		if named, _ := ctx.FlagValue(flag).(string); flag.Name == "config" && named != "" {
			path = named
		}
	}
	if path == "" {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return fileTrouble{fmt.Errorf("the settings file cannot be read: %w", err)}
	}
	defer file.Close()
	if e.file, err = readSettings(file, settingNames(ctx.Model.Flags)); err != nil {
		return fileTrouble{fmt.Errorf("settings file %s: %w", path, err)}
	}
	return nil
}

const maxSettings = 1 << 20 // bytes of a settings file

// readSettings reads “name: value” lines; a list is the same as its values with commas.
func readSettings(file io.Reader, known []string) (map[string]string, error) {
	var root yaml.Node
	err := yaml.NewDecoder(io.LimitReader(file, maxSettings)).Decode(&root)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	top := root.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, errors.New("write one “name: value” a line")
	}
	values := map[string]string{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if !slices.Contains(known, key.Value) {
			return nil, fmt.Errorf("line %d: %w", key.Line, unknown("setting", key.Value, known))
		}
		var words []string
		switch value.Kind {
		case yaml.ScalarNode:
			words = []string{value.Value}
		case yaml.SequenceNode:
			for _, item := range value.Content {
				words = append(words, item.Value)
			}
		default:
			return nil, fmt.Errorf("line %d: %s needs one value, or a list", key.Line, key.Value)
		}
		values[key.Value] = strings.Join(words, ",")
	}
	return values, nil
}

// prefixes are networks; a single number is a network of one.
type prefixes []netip.Prefix

// UnmarshalText reads "127.0.0.0/8, ::1".
func (p *prefixes) UnmarshalText(text []byte) error {
	for word := range strings.SplitSeq(string(text), ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		if number, err := netip.ParseAddr(word); err == nil {
			*p = append(*p, netip.PrefixFrom(number, number.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(word)
		if err != nil {
			return fmt.Errorf("%q is not a network; write it like 10.0.0.0/8", word)
		}
		*p = append(*p, prefix.Masked())
	}
	return nil
}

// contains reports whether an address lies in one of the networks.
func (p prefixes) contains(number netip.Addr) bool {
	return slices.ContainsFunc(p, func(prefix netip.Prefix) bool { return prefix.Contains(number.Unmap()) })
}

// complete checks what was set and fills in what follows from it. An empty URL, HandleDomain, Timezone or Language
// means that nobody said: what the blog already has then holds.
func (c *Config) complete(env []string) error {
	c.machineZone, c.sockets = localZone(env), handedSockets(env)
	if err := c.refuseLater(); err != nil {
		return err
	}
	c.Database, c.Media = cmp.Or(c.Database, c.usualDatabase()), cmp.Or(c.Media, c.usualMedia())
	if err := c.checkURL(); err != nil {
		return err
	}
	if c.Timezone != "" {
		if _, err := time.LoadLocation(c.Timezone); err != nil {
			return fmt.Errorf("timezone: %q is not known; write it like Europe/Amsterdam", c.Timezone)
		}
	}
	if c.Language != "" {
		tag, known := blog.Language(c.Language)
		if !known {
			return fmt.Errorf("language: %q is not known; write it like en, nl or pt-BR", c.Language)
		}
		c.Language = tag
	}
	return c.readLog()
}

func (c Config) usualDatabase() string { return filepath.Join(c.Data, "causerie.db") }

func (c Config) usualMedia() string { return filepath.Join(c.Data, "media") }

// usual reports whether everything is in one folder.
func (c Config) usual() bool { return c.Database == c.usualDatabase() && c.Media == c.usualMedia() }

// keeping says where what is written is kept, and its pictures.
func (c Config) keeping() string {
	if c.usual() {
		return c.Data
	}
	return store.Redact(c.Database) + ", and its pictures in " + c.Media
}

// refuseLater answers settings whose names are kept for what is still to come.
func (c *Config) refuseLater() error {
	for _, later := range []struct {
		name string
		set  bool
	}{
		{"tls: auto", c.TLS != "off"},
		{"smtp", c.SMTP != ""},
		{"metrics-listen", c.MetricsListen != ""},
		{"media on s3://", strings.HasPrefix(c.Media, "s3:")},
	} {
		if later.set {
			return fmt.Errorf("%s comes in a later version: leave it out for now", later.name)
		}
	}
	return nil
}

// checkURL brings the public address to the one way in which it is stored.
func (c *Config) checkURL() error {
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil ||
			strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("url: %q is not the address of a whole site; write it like https://overkant.example", c.URL)
		}
		c.URL = u.Scheme + "://" + strings.ToLower(u.Host)
	}
	c.HandleDomain = strings.ToLower(c.HandleDomain)
	if strings.ContainsAny(c.HandleDomain, "/@ ") {
		return fmt.Errorf("handle-domain: %q is not a domain; write it like overkant.example", c.HandleDomain)
	}
	return nil
}

// publicURL is the address of the site where nobody said one: this machine, at the port where it listens.
func (c Config) publicURL() string {
	if c.URL != "" {
		return c.URL
	}
	if _, port, err := net.SplitHostPort(c.listenAddress()); err == nil && port != "" {
		return "http://localhost:" + port
	}
	return "http://localhost:8080"
}

// listenAddress is where to listen when systemd brings nothing.
func (c Config) listenAddress() string { return cmp.Or(c.Listen, "localhost:8080") }

var levels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn,
	"error": slog.LevelError}

func (c *Config) readLog() error {
	c.json = !isatty.IsTerminal(os.Stderr.Fd())
	for word := range strings.SplitSeq(c.Log, ",") {
		word = strings.TrimSpace(word)
		level, isLevel := levels[word]
		switch {
		case word == "":
		case isLevel:
			c.level = level
		case word == "text" || word == "json":
			c.json = word == "json"
		default:
			return unknown("log: the word", word, []string{"text", "json", "debug", "info", "warn", "error"})
		}
	}
	return nil
}

// localZone is the name of the machine's time zone, UTC when it does not tell.
func localZone(env []string) string {
	name := variable(env, "TZ")
	if name == "" {
		if target, err := filepath.EvalSymlinks("/etc/localtime"); err == nil {
			if _, zone, found := strings.Cut(target, "zoneinfo/"); found {
				name = zone
			}
		}
	}
	if _, err := time.LoadLocation(name); name == "" || err != nil {
		return "UTC"
	}
	return name
}

// handedSockets is how many sockets systemd hands over to this very process (sd_listen_fds(3)).
func handedSockets(env []string) int {
	n, err := strconv.Atoi(variable(env, "LISTEN_FDS"))
	if err != nil || n < 0 || n > 64 || variable(env, "LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return n
}
