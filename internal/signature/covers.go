package signature

import (
	"net/http"
	"slices"

	"github.com/dunglas/httpsfv"
)

// synchronization is the one header of others' making that we sign and ask about (FEP-8fcf).
const synchronization = "collection-synchronization"

// Covers tells of a request whose signature was verified whether it covers a header, by its name in lower case.
func Covers(header http.Header, name string) bool {
	var names []string
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
