package documents

import (
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
)

// followersThere lists the followers of a voice on the server that signed the request, and no others (FEP-8fcf).
func (d *Documents) followersThere(w http.ResponseWriter, r *http.Request) {
	voice, err := d.liveVoice(r.Context(), r)
	if err != nil {
		d.refuseList(w, r, err)
		return
	}
	reader, ok := d.reader(w, r)
	if !ok {
		return
	}
	list, err := d.Store.FollowersAt(r.Context(), voice.ID, federation.OriginOf(reader))
	if err != nil {
		d.refuseList(w, r, err)
		return
	}
	w.Header().Set("Content-Type", activity.MediaType(r.Header.Values("Accept")))
	// The list is different for each server that asks.
	w.Header().Set("Cache-Control", "private, no-store")
	w.Write(activity.Items(d.Site.ActorID(blog.ID(chi.URLParam(r, "actor")))+"/followers_synchronization", list))
}

func (d *Documents) refuseList(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, blog.ErrNotFound):
		nothingHere(w)
	case errors.Is(err, blog.ErrGone):
		federation.WriteError(w, http.StatusGone, "its owner was deleted")
	default:
		d.fail(w, r, err)
	}
}
