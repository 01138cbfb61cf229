package admin

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// visit is one request, with what every page of the desk needs to know.
type visit struct {
	w      http.ResponseWriter
	r      *http.Request
	site   blog.Site
	author blog.Author    // who is signed in; zero at the door
	browse store.SignIn   // this browser's sign-in; zero at the door
	zone   *time.Location // the author's, or the site's
	now    time.Time
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// id is an id of ours in the path; what cannot be one is not found.
func (v *visit) id(name string) (blog.ID, error) {
	text := chi.URLParam(v.r, name)
	if !blog.ValidID(text) {
		return "", blog.ErrNotFound
	}
	return blog.ID(text), nil
}

// see answers a form by leading to a page, where the words of note are shown.
func (v *visit) see(path string) error {
	v.w.Header().Set("Location", path)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// requestTime bounds what one request of an author may take, mentions looked up on the network and pictures included.
const requestTime = 60 * time.Second

// knocked serves a page that needs nobody signed in.
func (d *Desk) knocked(handle func(*visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		v := &visit{w: w, r: r.WithContext(ctx), zone: time.UTC, now: d.now()}
		defer v.tidy()
		site, err := d.store.Site(ctx)
		if err == nil {
			v.site, v.zone = site, site.Location()
			err = handle(v)
		}
		if err != nil {
			d.fail(v, err)
		}
	}
}

// signedIn serves a page of the desk; whoever is not signed in finds the door, and behind it what they came for.
func (d *Desk) signedIn(handle func(*visit) error) http.HandlerFunc {
	return d.knocked(func(v *visit) error {
		if err := d.recognise(v); err != nil {
			return err
		}
		if v.author.ID == "" {
			return d.askToSignIn(v)
		}
		return handle(v)
	})
}

// tidy removes the temporary files of an upload.
func (v *visit) tidy() {
	if v.r.MultipartForm != nil {
		v.r.MultipartForm.RemoveAll()
	}
}

// frame is what stands around every page of the desk.
type frame struct {
	Title           string
	Here            string // the menu's word for this page
	Site            blog.Site
	Author          blog.Author
	Face            face
	CommentsWaiting int
	ReportsOpen     int // for moderators
	ServersSilent   int
	Toast           *toast
}

// Speaks makes the desk speak English, the one language it has so far.
func (f frame) Speaks() string { return "en" }

// IsAdmin tells whether the settings of the site are open to the author.
func (f frame) IsAdmin() bool { return f.Author.Role == blog.Admin }

// MaySeries tells whether the author may change series, which are nobody's own.
func (f frame) MaySeries() bool { return f.Author.May("") }

// face is somebody's picture, or the first letter of their name.
type face struct{ Name, Picture string }

// toast is one sentence about what was just done, and the way back where there is one.
type toast struct {
	Words string
	Undo  *undo
}

// undo is a form that takes an act back, or a button of the form named Form.
type undo struct{ Action, Name, Value, Form string }

// frame begins a page of the desk.
func (d *Desk) frame(v *visit, here, title string) (frame, error) {
	f := frame{Title: title, Here: here, Site: v.site, Author: v.author,
		Face: face{v.author.Name, mediaPath(v.author.Picture)}}
	var err error
	waiting := store.CommentList{Voice: v.own(), States: []blog.CommentState{blog.CommentWaiting}}
	if f.CommentsWaiting, err = d.store.CountComments(v.ctx(), waiting); err != nil {
		return f, err
	}
	if f.IsModerator() {
		if f.ReportsOpen, err = d.store.CountComplaints(v.ctx(), store.ComplaintList{State: blog.ComplaintOpen}); err != nil {
			return f, err
		}
	}
	silent, err := d.store.SilentPeers(v.ctx())
	for _, peer := range silent {
		if peer.Letters > 0 && !peer.Patient {
			f.ServersSilent++
		}
	}
	if words, ok := done[v.r.URL.Query().Get("done")]; ok {
		f.Toast = &toast{Words: words}
	}
	return f, err
}

// own narrows a list to the author's own things; editors and administrators see everybody's.
func (v *visit) own() blog.ID {
	if v.author.Role == blog.Admin || v.author.Role == blog.Editor {
		return ""
	}
	return v.author.ID
}

// done are the sentences a page may open with after a form, by the word in its address.
var done = map[string]string{
	"saved":    "Saved.",
	"renamed":  "The handle is changed. The servers of your followers are told within five minutes.",
	"moving":   "Planned for tomorrow. Until then you can call it off here.",
	"leaving":  "Planned. Until that day you can call it off here.",
	"stays":    "Called off. Nothing has happened.",
	"told":     "Saved. The servers that have it are being told.",
	"quiet":    "Corrected, without telling readers.",
	"undone":   "Taken back before it left: no other server heard of it.",
	"too-late": "Too late to undo: it has left. You can take it back, and the servers that have it are asked to forget it.",

	"too-late-here":  "Too late to undo. You can take it back; no other server has it.",
	"published-here": "Published.",
	"withdrawn-here": "Withdrawn. No other server had it.",

	"profile":   "Saved. The servers of your followers are told within five minutes.",
	"published": "Published. It is on its way.",
	"first":     "Published: your first!",
	"local":     "Published, here on the web only.",
	"taken":     "The translation is removed.",
	"pinned":    "Pinned: it stands first on its author's page.",
	"unpinned":  "Unpinned: it stands among the others.",
	"scheduled": "Scheduled. It goes out by itself.",
	"draft":     "Back among the drafts.",
	"withdrawn": "Withdrawn. The servers that have it are being asked to forget it.",
	"deleted":   "Deleted.",
	"approved":  "Approved: it stands under the article now.",
	"hidden":    "Hidden: readers do not see it any more.",
	"put-away":  "Hidden from the list.",
	"back":      "Back in the list.",
	"spam":      "Put with the spam.",
	"waiting":   "Put back among those that wait.",
	"removed":   "Deleted for good.",
	"replied":   "Your answer is on its way.",
	"revoked":   "The permission is taken back. Its server is told, and the quote is hidden here.",
	"accepted":  "Approved. Their server is being told.",
	"rejected":  "Refused. Their server is being told.",
	"follow":    "Asked to follow them. Their server answers in its own time.",
	"unfollow":  "You do not follow them any more. Their server is being told.",
	"like":      "Favourited. Whoever wrote it is being told.",
	"unlike":    "No longer a favourite of yours.",
	"boost":     "Boosted. Your followers’ servers are being told.",
	"unboost":   "The boost is taken back.",
	"sent-away": "Removed from your followers. Their server is being told.",
	"picture":   "The picture is in your library.",
	"described": "The words are kept with the picture.",
	"password":  "The password is changed. Every other browser was signed out.",
	"welcome":   "Welcome. The blog is yours.",
	"retrying":  "Trying again now.",
	"fetching":  "Asking the other servers now.",

	"brought-back":  "They are followers again. What you say next is brought there; if it stays silent, they are set aside again.",
	"removed-aside": "They are no followers any more.",
	"limited":       "Limited: what they say waits for a yes from now on.",
	"refused":       "Refused: nothing of theirs is shown or taken in any more, and their servers are told that they do not follow you.",
	"unlimited":     "The block is undone. What waited only for it stands again.",
	"let-in":        "The block is undone, and what they said stands again. Followers who were sent away must follow anew; what was said meanwhile did not reach you.",
	"imported":      "The list is imported.",
	"resolved":      "Resolved.",
	"reopened":      "Open again.",
	"reported":      "The report is on its way to their server.",
}

func mediaPath(file string) string {
	if file == "" {
		return ""
	}
	return "/media/" + file
}

// ownPath is a path on this site to lead a browser to, or the given other one: nothing that a browser could read as
// another host gets through.
func ownPath(path, otherwise string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\t\r\n\x00") {
		return otherwise
	}
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" || u.User != nil {
		return otherwise
	}
	ours := u.Path == "/admin" || strings.HasPrefix(u.Path, "/admin/") || u.Path == "/authorize_interaction"
	if !ours || strings.Contains(u.Path, "..") {
		return otherwise
	}
	return u.RequestURI()
}
