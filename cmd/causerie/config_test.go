package main

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// parseConfig parses a command line as run does.
func parseConfig(t testing.TB, args, env []string) (Config, error) {
	t.Helper()
	var all commands
	parser, err := newParser(&all, env, console{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		return all.Config, err
	}
	return all.Config, all.Config.complete(env)
}

// configOf returns the settings of "causerie serve" with these flags.
func configOf(t testing.TB, flags []string) Config {
	t.Helper()
	config, err := parseConfig(t, append([]string{"serve"}, flags...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestFlagsWinOverVariablesAndVariablesOverTheFile(t *testing.T) {
	file := write(t, "causerie.yaml", "url: https://file.example\nlisten: localhost:1\ndata: /file\ntrusted-proxies: "+
		"[10.0.0.1, 192.168.0.0/16]\n")
	for name, args := range map[string][]string{"a file named by a flag": {"--config", file},
		"a file named by a variable": nil} {
		env := []string{"CAUSERIE_URL=https://Env.example/", "CAUSERIE_LISTEN=localhost:2", "PATH=/bin"}
		if args == nil {
			env = append(env, "CAUSERIE_CONFIG="+file)
		}
		c, err := parseConfig(t, append(args, "--listen", "localhost:3"), env)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := prefixes{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("192.168.0.0/16")}
		got := []string{c.Listen, c.URL, c.Data, c.Database, c.Media}
		if diff := cmp.Diff([]string{"localhost:3", "https://env.example", "/file", "/file/causerie.db", "/file/media"},
			got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if len(c.TrustedProxies) != 2 || c.TrustedProxies[0] != want[0] || c.TrustedProxies[1] != want[1] {
			t.Errorf("%s: trusted proxies %v", name, c.TrustedProxies)
		}
	}
}

func TestAuthorizedFetchCanBeSetInEachWay(t *testing.T) {
	for name, source := range map[string]struct{ args, env []string }{
		"a flag":            {args: []string{"--authorized-fetch"}},
		"a variable":        {env: []string{"CAUSERIE_AUTHORIZED_FETCH=true"}},
		"a line of a file":  {args: []string{"--config", write(t, "secure.yaml", "authorized-fetch: true\n")}},
		"nothing":           {},
		"a line that is no": {args: []string{"--config", write(t, "open.yaml", "authorized-fetch: false\n")}},
	} {
		c, err := parseConfig(t, source.args, source.env)
		if want := name != "nothing" && name != "a line that is no"; err != nil || c.AuthorizedFetch != want {
			t.Errorf("%s: %v, %v; want %v", name, c.AuthorizedFetch, err, want)
		}
	}
}

func TestHowLongDeliveriesAreKeptCanBeSetInEachWay(t *testing.T) {
	const day = 24 * time.Hour
	for name, source := range map[string]struct {
		args, env []string
		want      time.Duration // 0 where it is refused
	}{
		"nothing":          {want: 365 * day},
		"a flag":           {args: []string{"--keep-deliveries", "800d"}, want: 800 * day},
		"a variable":       {env: []string{"CAUSERIE_KEEP_DELIVERIES=9600h"}, want: 400 * day},
		"a line of a file": {args: []string{"--config", write(t, "long.yaml", "keep-deliveries: 100d\n")}, want: 100 * day},
		"the least":        {args: []string{"--keep-deliveries", "31d"}, want: 31 * day},
		"too short":        {args: []string{"--keep-deliveries", "30d"}},
		"negative":         {args: []string{"--keep-deliveries=-400d"}},
		"too long":         {args: []string{"--keep-deliveries", "400000d"}},
		"no time":          {args: []string{"--keep-deliveries", "a year"}},
	} {
		c, err := parseConfig(t, source.args, source.env)
		if source.want == 0 {
			if err == nil {
				t.Errorf("%s: %v was taken", name, time.Duration(c.KeepDeliveries))
			}
			continue
		}
		if err != nil || time.Duration(c.KeepDeliveries) != source.want {
			t.Errorf("%s: %v, %v; want %v", name, time.Duration(c.KeepDeliveries), err, source.want)
		}
	}
}

func TestErrorsInSettingsSayWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		args, env  []string
		file, want string
	}{
		"a misspelt flag":              {args: []string{"--databse=x"}, want: `"--database"`},
		"a misspelt variable":          {env: []string{"CAUSERIE_DATABSE=x"}, want: `"CAUSERIE_DATABASE"`},
		"a variable from nowhere":      {env: []string{"CAUSERIE_QQQQQQQQQQQQ=x"}, want: "serve --help"},
		"a misspelt key":               {file: "listen: a:1\ndatabse: x\n", want: `"database"`},
		"a key without a simple value": {file: "listen: {a: b}\n", want: "needs one value"},
		"a file that is no YAML":       {file: "a: [\n", want: "line"},
		"a file that is a list":        {file: "- a\n", want: "name: value"},
		"a file that is not there":     {args: []string{"--config=/nowhere/x.yaml"}, want: "settings file /nowhere/x.yaml"},
		"a misspelt command":           {args: []string{"artcle"}, want: "“article”"},
		"a word too many": {args: []string{"article", "list", "extra"},
			want: "“extra” is one word too many: “causerie article list --help”"},
		"a word too many to serve":    {args: []string{"serve", "artcle"}, want: "“causerie serve --help”"},
		"a url with a path":           {args: []string{"--url=https://overkant.example/blog"}, want: "whole site"},
		"a url without a scheme":      {args: []string{"--url=overkant.example"}, want: "https://overkant.example"},
		"a domain that is an address": {args: []string{"--handle-domain=https://x"}, want: "not a domain"},
		"a network that is none":      {args: []string{"--federation-allow=loopback"}, want: "10.0.0.0/8"},
		"a zone that is none":         {args: []string{"--timezone=Oudewaard"}, want: "Europe/Amsterdam"},
		"a language that is none":     {args: []string{"--language=dutch!"}, want: "pt-BR"},
		"a log that is none":          {args: []string{"--log=jsn"}, want: `"json"`},
		"certificates":                {args: []string{"--tls=auto"}, want: "later version"},
		"mail":                        {env: []string{"CAUSERIE_SMTP=smtp://x"}, want: "later version"},
		"measurements":                {file: "metrics-listen: localhost:9\n", want: "later version"},
		"pictures in a bucket":        {args: []string{"--media=s3://b"}, want: "later version"},
		"a command without its words": {args: []string{"article", "publish"}, want: "<file>"},
		"a command that goes on": {args: []string{"article"},
			want: "“causerie article” needs one more word: publish, draft, list, show, pin, unpin, untranslate, undo, " +
				"withdraw or delete"},
		"a command that goes on with two": {args: []string{"site"}, want: "“causerie site” needs one more word: authors or " +
			"voice"},
		"a misspelt second command": {args: []string{"article", "lst"},
			want: "there is no command “article lst”; did you mean “article list”?"},
		"a second command that is none": {args: []string{"article", "frob"},
			want: "there is no command “article frob”: “causerie article --help” lists all"},
		"a command that is none": {args: []string{"frobnicate"},
			want: "there is no command “frobnicate”: “causerie --help” lists all"},
		"a flag without its value": {args: []string{"--listen"}, want: "--listen needs a value: write --listen ADDR"},
		"a flag that takes the next": {args: []string{"serve", "--listen", "--data", "x"},
			want: "--listen needs a value: write --listen ADDR"},
		"a command without its flag": {args: []string{"author", "add", "ilse"},
			want: "“causerie author add” needs --name=NAME: “causerie author add --help”"},
		"a command without its file": {args: []string{"article", "publish", "--author", "ilse"},
			want: "“causerie article publish” needs <file>: "},
		"a choice that is none": {args: []string{"article", "list", "--status", "lost"},
			want: "--status must be draft, scheduled, published, withdrawn or deleted, not “lost”"},
		"a switch between on and off": {args: []string{"site", "voice", "maybe"},
			want: "<switch> must be on or off, not “maybe”"},
		"a time that is none": {args: []string{"article", "publish", "x.md", "--author", "ilse", "--hold", "soon"},
			want: "--hold must be a duration such as 30s or 2h, not “soon”"},
		"a yes that is none": {env: []string{"CAUSERIE_AUTHORIZED_FETCH=perhaps"},
			want: "--authorized-fetch must be true or false, not “perhaps”"},
		"a setting the demo has not": {args: []string{"demo", "--data", "x"}, want: "--data has no effect on the demo"},
		"a role that is none":        {args: []string{"author", "add", "x", "--name=X", "--role=king"}, want: "admin"},
		"a password that does not come": {args: []string{"author", "add", "x", "--name=X", "--password-stdin"},
			want: "standard input"},
	} {
		if c.file != "" {
			c.args = append(c.args, "--config", write(t, "c.yaml", c.file))
		}
		_, trouble, status := cli(t.Context(), c.args, c.env, "")
		if status != misusing || !strings.Contains(trouble, c.want) || strings.Contains(trouble, "--url: ") {
			t.Errorf("%s: %d, %q", name, status, trouble)
		}
	}
}

func TestVariablesOfOtherProgramsAreIgnored(t *testing.T) {
	if _, err := parseConfig(t, nil, []string{"CAUSERIE_TEST_REQUIRE=postgres", "CAUSERIE_CORPUS=/x",
		"CAUSERIEX=1"}); err != nil {
		t.Error(err)
	}
}

func TestHelpListsEverySettingForServeAndFewElsewhere(t *testing.T) {
	out, _, status := cli(t.Context(), []string{"serve", "--help"}, nil, "")
	var all commands
	parser, err := newParser(&all, nil, console{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range settingNames(parser.Model.Flags) {
		if !strings.Contains(out, "--"+name) {
			t.Errorf("serve --help does not list %s", name)
		}
	}
	if status != done {
		t.Errorf("it ends with %d", status)
	}
	for _, command := range []string{"", "demo", "author add", "author list", "author password", "author link",
		"author disable", "article publish", "article draft",
		"article list", "article show", "article undo", "article withdraw", "article delete", "comment list",
		"comment approve", "comment hide", "comment delete",
		"deliveries", "deliveries retry", "migrate", "version"} {
		out, trouble, status := cli(t.Context(), append(strings.Fields(command), "--help"), nil, "")
		if status != done || !strings.Contains(out, "Usage: causerie "+command) ||
			strings.Contains(out, "--handle-domain=") || trouble != "" {
			t.Errorf("%q --help ends with %d:\n%s%s", command, status, out, trouble)
		}
	}
}

func TestHelpListsTheSettingsThatACommandUses(t *testing.T) {
	for command, want := range map[string]string{"fetch": "--federation-allow", "comment fetch": "--federation-allow",
		"doctor": "--federation-allow", "demo": "--listen"} {
		if out, _, _ := cli(t.Context(), append(strings.Fields(command), "--help"), nil, ""); !strings.Contains(out, want) {
			t.Errorf("%q --help lacks %s:\n%s", command, want, out)
		}
	}
	if out, _, _ := cli(t.Context(), []string{"demo", "--help"}, nil, ""); strings.Count(out, ":8080") != 1 ||
		!strings.Contains(out, "127.0.0.1:8080") || !strings.Contains(out, "known password") {
		t.Errorf("the demo listens on\n%s", out)
	}
}

func TestT031OnlyTrustedProxiesNameTheClient(t *testing.T) {
	trusted := prefixes{netip.MustParsePrefix("10.0.0.0/8")}
	for name, c := range map[string]struct{ peer, forwarded, want string }{
		"a proxy of ours":                    {"10.0.0.1:5", "192.0.2.7", "192.0.2.7:0"},
		"a chain of them":                    {"10.0.0.1:5", "192.0.2.7, 10.1.1.1", "192.0.2.7:0"},
		"a client who forges a hop":          {"10.0.0.1:5", "203.0.113.9, 192.0.2.7", "192.0.2.7:0"},
		"a stranger who forges everything":   {"192.0.2.7:5", "203.0.113.9", "192.0.2.7:5"},
		"a proxy that says nonsense":         {"10.0.0.1:5", "unknown", "10.0.0.1:5"},
		"a proxy at a unix socket":           {"@", "192.0.2.7", "192.0.2.7:0"},
		"IPv6":                               {"10.0.0.1:5", "2001:db8::7", "[2001:db8::7]:0"},
		"nobody in between":                  {"192.0.2.7:5", "", "192.0.2.7:5"},
		"a proxy that maps IPv4 into IPv6":   {"[::ffff:10.0.0.1]:5", "192.0.2.7", "192.0.2.7:0"},
		"only our own machines on the way":   {"10.0.0.1:5", "10.2.2.2", "10.2.2.2:0"},
		"an empty header of a trusted proxy": {"10.0.0.1:5", " ", "10.0.0.1:5"},
	} {
		s := &server{app: &app{config: Config{TrustedProxies: trusted}}}
		var got string
		handler := s.clientAddress(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestAPanicIsOnePageAndOneLineOfTheLog(t *testing.T) {
	var log output
	logger, end := Config{}.logger(&log)
	defer end()
	s := &server{app: &app{log: logger}}
	server := httptest.NewServer(s.logAndRecover(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "3")
		if r.URL.Path == "/begun" {
			w.Write([]byte("a"))
		}
		panic("the boat has a hole")
	})))
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusInternalServerError {
		t.Errorf("it answers %d", answer.StatusCode)
	}
	if n := strings.Count(log.String(), "the boat has a hole"); n != 1 {
		t.Errorf("it is logged %d times:\n%s", n, log.String())
	}
	if answer, err := http.Get(server.URL + "/begun"); err == nil {
		if n, err := answer.Body.Read(make([]byte, 9)); err == nil && n == 3 {
			t.Error("an answer that broke off looks whole")
		}
		answer.Body.Close()
	}
}
