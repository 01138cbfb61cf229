package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	"causerie/internal/federation/jobs"
	"causerie/internal/nearest"
	"causerie/internal/store"
)

// Config has all settings. Its tags define the flags, the environment variables, the keys of the settings file
// and the table of “causerie serve --help”. Only this file reads the environment; other packages get the values
// that they need.
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
	KeepDeliveries  keepTime `default:"365d" placeholder:"365d" help:"${help_keep_deliveries} Default: ${default}."`
	MetricsListen   string   `placeholder:"ADDR" help:"${help_metrics_listen}"`
	SMTP            string   `name:"smtp" placeholder:"URL" help:"${help_smtp}"`
	Log             string   `placeholder:"WORDS" help:"${help_log}"`

	json        bool // the format of the log
	level       slog.Level
	machineZone string // IANA name
	sockets     int    // number of sockets from systemd

	wraps []store.Wrap // around the connections to the database: tests watch what is asked
}

// allowListMode is the value of Federation for a blog that federates only with allowed servers.
const allowListMode = "allow-list"

// environment returns the environment of the process. Nothing else reads it.
func environment() []string { return os.Environ() }

// variable returns the value of a variable in an environment; "" if it is not set.
func variable(env []string, name string) string {
	for _, entry := range env {
		if key, value, _ := strings.Cut(entry, "="); key == name {
			return value
		}
	}
	return ""
}

// settingNames returns the names of the settings in the order of the table. Flags and keys use the same names.
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

// notSettings are variables with our prefix that are not settings: the path of the settings file, and variables of
// tests.
var notSettings = []string{envPrefix + "CONFIG", envPrefix + "TEST_REQUIRE", envPrefix + "CORPUS",
	envPrefix + "TEST_RIG", envPrefix + "TEST_SEED"}

func envName(setting string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
}

// settingsResolver finds the settings that are not given as flags: first in the environment, then in the settings
// file.
//
// We use neither kong.DefaultEnvars nor kong-yaml. With kong, a resolver for a file has priority over the
// environment; here the environment has priority over the file. kong also reads a variable for every flag of every
// command, accepts an empty variable as a value, and reads the environment of the process itself. kong-yaml ignores
// unknown keys and has no line numbers for error messages.
type settingsResolver struct {
	env    []string
	loaded bool              // load has run
	file   map[string]string // the settings file; nil if there is none
}

// Validate returns an error for a variable with our prefix that is not a setting.
func (r *settingsResolver) Validate(app *kong.Application) error {
	var known []string
	for _, name := range settingNames(app.Flags) {
		known = append(known, envName(name))
	}
	for _, entry := range r.env {
		// Without this check, a misspelt variable would silently have no effect.
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(known, name) || slices.Contains(notSettings, name) {
			continue
		}
		return unknown("environment variable", name, append(known, envPrefix+"CONFIG"))
	}
	return nil
}

// unknown returns the error for an unknown name. It suggests the nearest known name.
func unknown(what, name string, known []string) error {
	if near := nearest.Word(name, known); near != "" {
		return fmt.Errorf("%s %q is not known; did you mean %q?", what, name, near)
	}
	return fmt.Errorf("%s %q is not known; “causerie serve --help” lists all settings", what, name)
}

// Resolve returns the value of a setting; nil if neither the environment nor the file has it.
func (r *settingsResolver) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Group == nil || flag.Group.Key != "settings" {
		return nil, nil
	}
	value := variable(r.env, envName(flag.Name))
	if value == "" && flag.Name != "config" { // the name of the file cannot be in the file
		if err := r.load(ctx); err != nil {
			return nil, err
		}
		value = r.file[flag.Name]
	}
	if value == "" {
		return nil, nil
	}
	return value, nil
}

// settingsFileError is an error in the settings file. kong would report it as an error of the setting that is
// resolved first.
type settingsFileError struct{ error }

// load reads the settings file, once. The flag or the variable gives its path.
func (r *settingsResolver) load(ctx *kong.Context) error {
	if r.loaded { // kong resolves every setting by a call of its own
		return nil
	}
	r.loaded = true
	path := variable(r.env, envPrefix+"CONFIG")
	for _, flag := range ctx.Flags() {
		if given, _ := ctx.FlagValue(flag).(string); flag.Name == "config" && given != "" {
			path = given
		}
	}
	if path == "" {
		return nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return settingsFileError{fmt.Errorf("there is no settings file %s", path)}
	}
	if err != nil {
		return settingsFileError{fmt.Errorf("the settings file cannot be read: %w", err)}
	}
	defer file.Close()
	if r.file, err = readSettings(file, settingNames(ctx.Model.Flags)); err != nil {
		return settingsFileError{fmt.Errorf("settings file %s: %w", path, err)}
	}
	return nil
}

const maxSettings = 1 << 20 // bytes of a settings file

// readSettings reads lines of the form “name: value”. It joins the values of a list with commas. An unknown name is
// an error.
func readSettings(file io.Reader, known []string) (map[string]string, error) {
	var root yaml.Node
	err := yaml.NewDecoder(io.LimitReader(file, maxSettings)).Decode(&root)
	if errors.Is(err, io.EOF) { // an empty file, or only comments
		return nil, nil
	}
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	top := root.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, errors.New("write one “name: value” on each line")
	}
	values := map[string]string{}
	for i := 0; i+1 < len(top.Content); i += 2 { // keys and values take turns
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
			return nil, fmt.Errorf("line %d: %s needs one value or a list", key.Line, key.Value)
		}
		values[key.Value] = strings.Join(words, ",")
	}
	return values, nil
}

// prefixes is a list of networks. A single address is a network with one address.
type prefixes []netip.Prefix

// UnmarshalText reads "127.0.0.0/8, ::1".
func (p *prefixes) UnmarshalText(text []byte) error {
	for word := range strings.SplitSeq(string(text), ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		if address, err := netip.ParseAddr(word); err == nil { // a single address
			*p = append(*p, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(word)
		if err != nil {
			return fmt.Errorf("%q is not a network; write it like 10.0.0.0/8", word)
		}
		*p = append(*p, prefix.Masked()) // 10.1.2.3/8 is 10.0.0.0/8
	}
	return nil
}

// contains reports whether an address is in one of the networks.
func (p prefixes) contains(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(prefix netip.Prefix) bool { return prefix.Contains(address.Unmap()) })
}

// keepTime is how long deliveries are kept.
type keepTime time.Duration

// UnmarshalText reads "400d" or "9600h".
func (k *keepTime) UnmarshalText(text []byte) error {
	word := strings.TrimSpace(string(text))
	kept, err := time.ParseDuration(word)
	if days, found := strings.CutSuffix(word, "d"); found {
		var n int
		n, err = strconv.Atoi(days)
		kept = time.Duration(n) * 24 * time.Hour
		if n > 100_000 { // a longer time does not fit
			err = strconv.ErrRange
		}
	}
	if err != nil {
		return fmt.Errorf("%q is not a time; write it like 365d", word)
	}
	if kept < jobs.MinKeepDeliveries {
		return fmt.Errorf("%s is too short; the least is 31d", word)
	}
	*k = keepTime(kept)
	return nil
}

// complete checks the settings and fills in defaults. URL, HandleDomain, Timezone and Language have no default here:
// empty means that the stored value of the blog stays.
func (c *Config) complete(env []string) error {
	c.machineZone, c.sockets = localZone(env), systemdSockets(env)
	if err := c.refuseFutureSettings(); err != nil {
		return err
	}
	c.Database, c.Media = cmp.Or(c.Database, c.defaultDatabase()), cmp.Or(c.Media, c.defaultMedia())
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

func (c Config) defaultDatabase() string { return filepath.Join(c.Data, "causerie.db") }

func (c Config) defaultMedia() string { return filepath.Join(c.Data, "media") }

// hasDefaultPaths reports whether the database and the pictures are in the data folder.
func (c Config) hasDefaultPaths() bool {
	return c.Database == c.defaultDatabase() && c.Media == c.defaultMedia()
}

// storage describes where the database and the pictures are, for people.
func (c Config) storage() string {
	if c.hasDefaultPaths() {
		return c.Data
	}
	return store.Redact(c.Database) + ", and its pictures in " + c.Media
}

// refuseFutureSettings returns an error for settings that only a later version will support.
func (c *Config) refuseFutureSettings() error {
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
			// If we ignored tls: auto, the user would believe that it works.
			return fmt.Errorf("%s comes in a later version: leave it out for now", later.name)
		}
	}
	return nil
}

// checkURL checks the public address and changes it into the form that we store.
func (c *Config) checkURL() error {
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil ||
			strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("url: %q is not the address of a whole site; write it like https://overkant.example", c.URL)
		}
		c.URL = u.Scheme + "://" + strings.ToLower(u.Host) // without a slash at the end
	}
	c.HandleDomain = strings.ToLower(c.HandleDomain)
	if strings.ContainsAny(c.HandleDomain, "/@ ") {
		return fmt.Errorf("handle-domain: %q is not a domain; write it like overkant.example", c.HandleDomain)
	}
	return nil
}

// publicURL returns the public address. The default is this machine, at the port that it listens on.
func (c Config) publicURL() string {
	if c.URL != "" {
		return c.URL
	}
	// With another port than that of the listener, the links of a first trial would not work.
	if _, port, err := net.SplitHostPort(c.listenAddress()); err == nil && port != "" {
		return "http://localhost:" + port
	}
	return "http://localhost:8080"
}

// listenAddress returns the address to listen on if systemd gives no sockets.
func (c Config) listenAddress() string { return cmp.Or(c.Listen, "localhost:8080") }

var levels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn,
	"error": slog.LevelError}

// readLog reads the setting log: a level, a format, or both.
func (c *Config) readLog() error {
	// Text for people at a terminal, JSON for log collectors.
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

// localZone returns the IANA name of the machine's time zone; "UTC" if it is unknown.
func localZone(env []string) string {
	name := variable(env, "TZ")
	if name == "" { // Go's time.Local has no IANA name, so read where the link leads
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

// systemdSockets returns how many sockets systemd gave to this process (sd_listen_fds(3)).
func systemdSockets(env []string) int {
	n, err := strconv.Atoi(variable(env, "LISTEN_FDS"))
	// Child processes inherit both variables. Only LISTEN_PID shows which process they are for.
	if err != nil || n < 0 || n > 64 || variable(env, "LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return n
}
