package activity

import (
	"strings"
	"testing"
)

func TestF104DigestOfFollowersIsThatOfTheExample(t *testing.T) {
	ids := []string{"https://testing.example.org/users/1", "https://testing.example.org/users/2"}
	const want = "c33f48cd341ef046a206b8a72ec97af65079f9a3a9b90eef79c5920dce45c61f" // FEP-8fcf
	if got := FollowersDigest(ids); got != want {
		t.Errorf("%s", got)
	}
	if got := FollowersDigest([]string{ids[1], ids[0]}); got != want {
		t.Errorf("in another order: %s", got)
	}
	if got := FollowersDigest(nil); got != strings.Repeat("0", 64) {
		t.Errorf("of nobody: %s", got)
	}
}

func TestSynchronizationIsReadAsItIsWritten(t *testing.T) {
	s := Synchronization{"https://a.example/followers", "https://a.example/followers_synchronization",
		FollowersDigest(nil)}
	if got, ok := ParseSynchronization(s.String()); !ok || got != s {
		t.Errorf("%+v, %t", got, ok)
	}
	for _, value := range []string{"", `collectionId="https://a.example/f"`, strings.Replace(s.String(), "000", "zzz", 1),
		s.String() + `, digest="` + s.Digest + `"`,
		strings.Replace(s.String(), "https", "javascript", 1)} {
		if got, ok := ParseSynchronization(value); ok {
			t.Errorf("%q is read as %+v", value, got)
		}
	}
}
