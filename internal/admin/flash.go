package admin

// toast is one sentence about what was just done, and the way back where there is one.
type toast struct {
	Words string
	Undo  *undo
}

// undo is a form that takes an act back, or a button of the form named Form.
type undo struct{ Action, Name, Value, Form string }

// done are the sentences a page may open with after a form, by the word in its address.
var done = map[string]string{
	"saved":   "Saved.",
	"renamed": "The handle is changed. The servers of your followers are told within five minutes.",
	"moving":  "Planned for tomorrow. Until then you can call it off here.",
	"leaving": "Planned. Until that day you can call it off here.",
	"stays":   "Called off. Nothing has happened.",
	"told":    "Saved. The servers that have it are being told.",
	"quiet":   "Corrected, without telling readers.",
	"undone":  "Taken back before it left: no other server heard of it.",
	"too-late": "Too late to undo: it has left. You can take it back, and the servers that have it are asked to forget " +
		"it.",

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

	"brought-back": "They are followers again. What you say next is brought there; if it stays silent, they are set " +
		"aside again.",
	"removed-aside": "They are no followers any more.",
	"limited":       "Limited: what they say waits for a yes from now on.",
	"refused": "Refused: nothing of theirs is shown or taken in any more, and their servers are told that they do " +
		"not follow you.",
	"unlimited": "The block is undone. What waited only for it stands again.",
	"let-in": "The block is undone, and what they said stands again. Followers who were sent away must follow anew; " +
		"what was said meanwhile did not reach you.",
	"imported": "The list is imported.",
	"resolved": "Resolved.",
	"reopened": "Open again.",
	"reported": "The report is on its way to their server.",
}
