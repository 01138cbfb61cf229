package inbox_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

// corpus is the directory of payloads found in the wild. Its folder hostile has those that attack.
func corpus(t *testing.T) string {
	t.Helper()
	root := os.Getenv("CAUSERIE_CORPUS")
	if root == "" {
		t.Skip("CAUSERIE_CORPUS is not set: no payloads of other servers to send")
	}
	return root
}

// hello is the text of many bodies of the corpus when they are taken for what they pretend to be.
const hello = "+ shown public: <p>hello</p>"

// hostileBodies are the hostile bodies of the corpus, with the status that its index asks for and their effect.
var hostileBodies = map[string]struct {
	answered int
	effect   string
}{
	"accept-of-follow-never-sent":      {202, ""},
	"actor-array-two":                  {400, ""},
	"actor-inline-lying-id":            {202, ""},
	"actor-null":                       {400, ""},
	"actor-on-internal-name":           {202, ""},
	"actor-on-loopback":                {202, ""},
	"announce-with-forged-inline-note": {202, ""},
	"attachment-svg": {202,
		`+ shown public: <p>hello</p><p><a href="http://zilverduin.example/x.svg" rel="nofollow ugc ` +
			`noopener">&lt;script&gt;alert(1)&lt;/script&gt;</a></p>`},
	"attributedto-other-author": {202, ""},
	"block-in-anothers-name":    {202, ""},
	"bto-bcc-present":           {202, hello},
	"byte-order-mark":           {400, ""},
	"collection-next-loop":      {400, ""},
	"content-event-handlers": {202, `+ shown public: <p>x</p><a href="https://evil.example" rel="nofollow ugc ` +
		`noopener">y</a>`},
	"content-javascript-link": {202, "+ shown public: <p>a b c</p>"},
	"content-script-element":  {202, "+ shown public: <p>a</p><p>b</p>"},
	"content-style-overlay":   {202, "+ removed public: <p></p>"},
	"content-tracking-image": {202, `+ shown public: <p><a href="http://zilverduin.example/pixel.gif?u=ana" ` +
		`rel="nofollow ugc noopener"><span class="invisible">http://</span>zilverduin.example/pixel.gif?u=ana</a></p>`},
	"context-missing":            {202, "+ followers = 1"},
	"context-null-and-numbers":   {202, "+ likes = 2"},
	"context-remote-redefines":   {202, "+ likes = 2"},
	"create-id-on-other-host":    {202, ""},
	"deep-inreplyto-inline":      {400, ""},
	"deep-nesting-objects":       {400, ""},
	"delete-of-local-post":       {202, ""},
	"delete-of-other-actor":      {202, ""},
	"duplicate-actor-keys":       {400, ""},
	"emoji-react-long-markup":    {202, "+ likes = 2"},
	"follow-by-our-own-user":     {403, ""},
	"huge-mention-list":          {202, hello},
	"huge-to-list":               {400, ""},
	"icon-data-image":            {400, ""},
	"id-javascript":              {400, ""},
	"id-null":                    {202, hello},
	"id-relative":                {400, ""},
	"id-userinfo-host-confusion": {400, ""},
	"inbox-on-other-host":        {400, ""},
	"invalid-utf8":               {400, ""},
	"kelvin-and-long-s-keys":     {202, "+ shown public: <p>x</p>"},
	"ld-signature-forged":        {202, "asked for /notes/ld"},
	"like-of-nothing-of-ours":    {202, ""},
	"mention-lookalike": {202, `+ shown public: <p><a href="http://zilverduin.example/" class="u-url ` +
		`mention" rel="nofollow ugc noopener">@ana</a></p>`},
	"move-without-alias":           {202, ""},
	"name-bidi-override":           {400, ""},
	"name-homoglyph-of-local":      {400, ""},
	"name-with-markup":             {400, ""},
	"nodeinfo-wrong-types":         {400, ""},
	"numbers-out-of-range":         {400, ""},
	"object-empty-object":          {400, ""},
	"object-id-on-other-host":      {202, "asked for /notes/9"},
	"object-null":                  {400, ""},
	"public-as-prefix":             {202, hello},
	"public-bare":                  {202, hello},
	"public-full-in-cc":            {202, "+ shown unlisted: <p>hello</p>"},
	"public-key-of-another-owner":  {400, ""},
	"published-far-future":         {202, hello},
	"quote-of-private-post":        {202, hello},
	"reply-to-itself":              {202, ""},
	"source-markdown-script":       {202, hello},
	"top-level-array":              {400, ""},
	"trailing-second-document":     {400, ""},
	"type-array-mixed":             {202, hello},
	"type-null":                    {400, ""},
	"undo-of-others-like":          {202, ""},
	"update-of-local-post":         {202, ""},
	"url-on-other-host-than-id":    {202, hello},
	"username-path-traversal":      {400, ""},
	"webfinger-links-wrong-types":  {400, ""},
	"webfinger-subject-other-host": {400, ""},
	"wrong-types-everywhere":       {202, "+ shown public: a"},
}

func TestHostilePayloadsOfTheCorpusGetTheExpectedAnswer(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(corpus(t), "hostile", "*.json"))
	if err != nil || len(files) != len(hostileBodies) {
		t.Fatalf("%d hostile payloads, answers for %d, %v", len(files), len(hostileBodies), err)
	}
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		s := newAttack(o)
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, known := hostileBodies[strings.TrimSuffix(filepath.Base(file), ".json")]
			if code, got := s.send(string(body), corpusNames(o)); !known || code != want.answered || got != want.effect {
				t.Errorf("%s is answered with %d and %q, want %d and %q", filepath.Base(file), code, got, want.answered,
					want.effect)
			}
		}
	})
}

// TestEveryPayloadOfTheCorpusIsAnswered posts payloads of other servers as if an actor of ours had to handle them:
// the actor becomes one of a test server, and the parent becomes an article here.
func TestEveryPayloadOfTheCorpusIsAnswered(t *testing.T) {
	root := corpus(t)
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		crowd := fedtest.New(fedtest.Config{KeyPool: 1})
		t.Cleanup(func() { crowd.Close() })
		a, count, replies := o.Publish(), map[int]int{}, 0
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" || strings.Contains(path, "hostile") {
				return err
			}
			body, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			// of its own: some name servers that do not answer, and the next would wait
			server, err := crowd.AddServer(entry.Name(), fedtest.Mastodon)
			if err != nil {
				return err
			}
			nadia := server.Person("nadia")
			text := localized(body, nadia, o.Object(a))
			want, comments := answerTo(text, o.Object(a))
			replies += comments
			answer, _ := nadia.Send(o.Soon(), o.Site.SharedInbox(), []byte(text))
			if answer.Status != want {
				t.Errorf("%s: %d %s, want %d", path, answer.Status, answer.Body, want)
			}
			count[answer.Status]++
			return nil
		})
		if err != nil || count[http.StatusAccepted] < 100 {
			t.Errorf("%v answers, %v", count, err)
		}
		o.Until("the replies stand under the article", func() bool { return len(o.Comments(a)) >= replies })
		if got := len(o.Comments(a)); got != replies || got == 0 {
			t.Errorf("%d of %d replies became comments: %s", got, replies, o.CommentTexts(a))
		}
		t.Logf("%v; %d replies", count, replies)
	})
}

// localized returns a payload whose actor, with the objects on that actor's server, is on a test server. It replies to
// an article.
func localized(body []byte, by *fedtest.Person, article string) string {
	var raw struct {
		Actor  any
		Object any
	}
	json.Unmarshal(body, &raw) // what cannot be read is sent as it is
	text := strings.NewReplacer(`\/`, "/", "SCRUBBED_ID", by.Server.URL+"/scrubbed").Replace(string(body))
	actor, _ := raw.Actor.(string)
	if u, err := url.Parse(actor); err == nil && u.Host != "" {
		for _, scheme := range []string{"https://", "http://"} {
			text = strings.NewReplacer(`"`+actor+`"`, `"`+by.ID+`"`, scheme+u.Host+"/", by.Server.URL+"/").Replace(text)
		}
	}
	if object, ok := raw.Object.(map[string]any); ok {
		if parent, ok := object["inReplyTo"].(string); ok && parent != "SCRUBBED_ID" { // which stands for several
			text = strings.ReplaceAll(strings.ReplaceAll(text, `"`+parent+`"`, `"`+article+`"`),
				`"`+strings.Replace(parent, hostOf(actor), by.Server.URL, 1)+`"`, `"`+article+`"`)
		}
	}
	return text
}

// hostOf returns an address up to its path.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Scheme + "://" + u.Host
}

// answerTo returns the status that a body signed by its actor should get, and how many comments it makes.
func answerTo(text, article string) (status, comments int) {
	doc, err := activity.Read([]byte(text))
	if err != nil {
		return http.StatusBadRequest, 0
	}
	act, err := activity.Parse(doc)
	if err != nil {
		return http.StatusBadRequest, 0
	}
	var post activity.Object
	switch said := act.Act.(type) {
	case activity.Create:
		post = said.Object
	case activity.Update: // nothing of the corpus was here before
		post = said.Object
	}
	if post.InReplyTo == article && post.AttributedTo == act.Actor &&
		post.Visibility(act.To, act.Cc) != blog.RestrictedComment {
		comments = 1
	}
	return http.StatusAccepted, comments
}
