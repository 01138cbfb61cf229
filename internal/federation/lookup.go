package federation

import "regexp"

var articlePath = regexp.MustCompile(`^/\d{4}/\d{2}/[^/]+$`)
