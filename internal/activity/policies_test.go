package activity

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPoliciesAreReadInAllTheirShapes(t *testing.T) {
	yes, no := true, false
	for _, test := range []struct {
		name, body string
		want       Policies
	}{
		{"nothing", `{}`, Policies{}},
		{"a profile", `{"manuallyApprovesFollowers":true,"discoverable":[false],"indexable":null}`,
			Policies{ApprovesFollowers: &yes, Discoverable: &no}},
		{"words for truth", `{"manuallyApprovesFollowers":"yes","discoverable":1}`, Policies{}},
		{"a rule", `{"interactionPolicy":{"canReply":{"automaticApproval":"as:Public"},"canQuote":{"automaticApproval":[],` +
			`"manualApproval":["` + bram + `",7]}}}`,
			Policies{CanReply: &Rule{Automatic: []string{"as:Public"}}, CanQuote: &Rule{Manual: []string{bram}}}},
		{"a rule as it was said before", `{"interactionPolicy":{"canReply":{"always":["` + bram + `"],"approvalRequired":["` +
			Public + `"]}}}`,
			Policies{CanReply: &Rule{Automatic: []string{bram}, Manual: []string{Public}}}},
		{"a rule that is none", `{"interactionPolicy":{"canReply":"everybody"}}`, Policies{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, ParsePolicies(read(t, test.body))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
