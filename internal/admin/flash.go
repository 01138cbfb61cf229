package admin

// toast is one sentence about what was just done, with an undo button if there is one.
type toast struct {
	Words string
	Undo  *undo
}

// undo is a form that undoes something. If Form is set, it is a button of that form of the page instead.
type undo struct{ Action, Name, Value, Form string }

// flashes are the sentences about what was just done, by the value of "done" in the address. The address never
// carries the sentence itself, or any link could put words on this page.
var flashes = map[string]string{
	"saved":   "Saved.",
	"renamed": "The handle is changed. Your followers’ servers are told within five minutes.",
	"moving":  "Planned for tomorrow. You can cancel it here until then.",
	"leaving": "Planned. You can cancel it here until that day.",
	"stays":   "Cancelled. Nothing has happened.",
	"told":    "Saved. The change is being sent to the servers that have it.",
	"quiet":   "Corrected, without telling readers.",
	"undone":  "Undone before it was sent: no other server knows of it.",
	"too-late": "Too late to undo: it was sent. You can withdraw it; the servers that have it are then asked to delete " +
		"it.",

	"too-late-here":  "Too late to undo. You can withdraw it; no other server has it.",
	"published-here": "Published.",
	"published-old":  "Published with its date, and sent to no other server, since it is older than a week.",
	"withdrawn-here": "Withdrawn. No other server had it.",

	"profile":   "Saved. Your followers’ servers are told within five minutes.",
	"published": "Published. It is being sent.",
	"first":     "Published: your first article!",
	"local":     "Published, only here on the web.",
	"taken":     "The translation is removed.",
	"agreed":    "It is on your page now, and announced to your followers.",
	"declined":  "Your name is taken out of it.",
	"pinned":    "Pinned: it is first on its author's page.",
	"unpinned":  "Unpinned: it is among the other articles again.",
	"scheduled": "Scheduled. It is published automatically.",
	"draft":     "It is a draft again.",
	"withdrawn": "Withdrawn. The servers that have it are being asked to delete it.",
	"deleted":   "Deleted.",
	"approved":  "Approved: it is shown under the article now.",
	"hidden":    "Hidden: readers no longer see it.",
	"put-away":  "Hidden from the list.",
	"back":      "Back in the list.",
	"spam":      "Marked as spam.",
	"waiting":   "It waits for approval again.",
	"removed":   "Deleted for good.",
	"replied":   "Your reply is being sent.",
	"revoked":   "The permission is revoked. The other server is told, and the quote is hidden here.",
	"accepted":  "Approved. Their server is being told.",
	"rejected":  "Refused. Their server is being told.",
	"featured":  "Approved. The owner of the collection is being told.",
	"left":      "You are out of the collection. Its owner is being told.",
	"may-ask":   "The owner of the collection may ask again.",
	"follow":    "The follow request is being sent. Their server decides when to answer.",
	"unfollow":  "You no longer follow them. Their server is being told.",
	"like":      "Favourited. Its writer is being told.",
	"unlike":    "Removed from your favourites.",
	"boost":     "Boosted. Your followers’ servers are being told.",
	"unboost":   "The boost is undone.",
	"sent-away": "Removed from your followers. Their server is being told.",
	"picture":   "The picture is in your library.",
	"described": "The description is saved.",
	"password":  "The password is changed. Every other browser was signed out.",
	"welcome":   "Welcome. The blog is yours.",
	"retrying":  "Trying again now.",
	"fetching":  "Asking the other servers now.",

	"brought-back": "They are followers again. The next posts are sent there; if the server stays silent, they are set " +
		"aside again.",
	"removed-aside": "They are no longer followers.",
	"limited":       "Limited: their comments wait for approval from now on.",
	"refused": "Refused: nothing of theirs is shown or received any more, and their servers are told that they no " +
		"longer follow you.",
	"unlimited": "The block is undone. Comments that waited only for it are shown again.",
	"let-in": "The block is undone, and their comments are shown again. Followers who were removed must follow again; " +
		"what they wrote meanwhile did not reach you.",
	"imported": "The list is imported.",
	"resolved": "Resolved.",
	"reopened": "Open again.",
	"reported": "The report is being sent to their server.",
}
