package signature

import (
	"net/http"
	"slices"

	"github.com/dunglas/httpsfv"
)

// synchronization is the one header that we sign and read beside those of every request (FEP-8fcf).
const synchronization = "collection-synchronization"

// Covers reports whether the signature of a verified request covers a header, given by its name in lower case.
func Covers(header http.Header, name string) bool {
	var names []string
	// The same choice as in Verify: with both dialects in one request, only the newer was verified.
	if len(header.Values("Signature-Input")) > 0 {
		inputs, err := httpsfv.UnmarshalDictionary(header.Values("Signature-Input"))
		if err != nil || len(inputs.Names()) != 1 {
			return false
		}
		member, _ := inputs.Get(inputs.Names()[0])
		list, _ := member.(httpsfv.InnerList)
		names, _ = componentNames(list)
	} else if found := cavageHeaders(header); len(found) == 1 {
		if params, err := parseParams(found[0]); err == nil {
			names, _ = coveredNames(params)
		}
	}
	return slices.Contains(names, name)
}
