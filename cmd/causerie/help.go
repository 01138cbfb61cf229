package main

import (
	"strings"

	"github.com/alecthomas/kong"
)

// helpTexts are the help texts that are too long for the tag of their flag. The tag names them as ${help_…}. First
// come the settings, in the order of Config. kong.New fails when one is missing.
var helpTexts = kong.Vars{
	"bench_lines": strings.Join(benchLineNames(), ", "),
	"help_config": "A YAML file with settings, one “name: value” on each line.",
	"help_url": "The public address of the blog, for readers and other servers: https://overkant.example. It is stored " +
		"at the first start and cannot change later, since it is part of every id that other servers remember. " +
		"Default: http://localhost with the port of listen.",
	"help_handle_domain": "The domain in @name@domain, when it is not the host of url: overkant.example for a blog at " +
		"https://blog.overkant.example. That domain must redirect /.well-known/webfinger to the blog. " +
		"It is stored at the first start, like url.",
	"help_listen": "Where to listen: host:port, :port for all addresses of the machine, or unix:/path for a socket that " +
		"a proxy on this machine uses. Sockets from systemd, if there are any, are used instead. " +
		"Default: localhost:8080.",
	"help_data": "The folder for the database and the pictures.",
	"help_database": "A path for SQLite, or postgres://user:password@host/name. Use PostgreSQL when several processes " +
		"serve one blog. Default: causerie.db in data.",
	"help_timezone": "The time zone of the site, like Europe/Amsterdam: for the dates on pages and the month in " +
		"addresses. Authors may have their own. Default: the machine's at the first start, then the admin's choice.",
	"help_language": "The language of pages that belong to no article, like en or nl. Default: en at the first start, " +
		"then the admin's choice.",
	"help_media": "The folder for pictures. Default: media in data. An s3:// address comes in a later version.",
	"help_tls": "Certificates: off, for a blog behind a proxy such as Caddy or nginx, which has them. With auto, which " +
		"comes in a later version, the program gets and renews them.",
	"help_trusted_proxies": "The networks of your proxies, whose X-Forwarded-For is trusted, like " +
		"127.0.0.1/32,10.0.0.0/8. Name no others: the limit on wrong passwords and the log depend on it. " +
		"A proxy on a unix: socket is always trusted. Default: none.",
	"help_federation_allow": "Private networks that federation may reach, also as bare IP addresses, on any port and " +
		"over plain http. Use 127.0.0.0/8 for tests on one machine; leave it empty on a public server. Default: none.",
	"help_federation": "Which servers the blog federates with: open, all that are not blocked, or allow-list, only " +
		"those of “causerie allow list” and their subdomains.",
	"help_authorized_fetch": "Answer requests of other servers only when they are signed, so that blocked servers " +
		"cannot fetch articles. Pages stay open to everybody. Servers that never sign then get no articles. " +
		"Default: off.",
	"help_keep_deliveries": "How long each delivery of an article is kept, like 365d; the least is 31d. After that the " +
		"settled ones are summed up: the report still says who has the article and why others do not.",
	"help_metrics_listen": "Where to serve metrics for Prometheus. Comes in a later version.",
	"help_smtp": "The server that sends mail. Comes in a later version; until then “causerie author link” prints " +
		"sign-in links.",
	"help_log": "The format of the log (text or json) and its level (debug, info, warn or error), like json,warn. " +
		"It goes to standard error. Default: text on a terminal, else json; level info.",

	"help_root": "The folder below which articles are known by their paths. Default: the nearest folder above the file " +
		"that has a file .causerie-root; without one, the whole path counts.",
	"help_hold": "Wait this long before anything is sent. Until then “causerie article undo” takes back the article " +
		"or the edit, and no other server knows of it.",
	"help_level":           "The level: limit or refuse. Default: refuse.",
	"help_deliveries_list": "List the servers that got an article, or list all articles.",
	"help_quiet": "Correct a published article here and tell no other server. Their copies stay as they are until they " +
		"fetch the article again.",
	"statuses": "List only these: draft, scheduled, published, withdrawn or deleted. Default: all but the deleted.",
	"help_handle": "The name that people follow: a–z, 0–9 and _. “causerie author rename” changes it. No other " +
		"author ever gets it.",
	"help_feature": "Either list, accept, refuse, leave or forget.",
	"help_to":      "The account elsewhere: @handle@server or an address. Its aliases must list this author.",
	"help_role":    "The role: admin, editor, author or contributor. Default: admin for the first author, else author.",
}
