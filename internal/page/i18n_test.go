package page

import "testing"

func TestANameBreaksBetweenTheLabelsOfAHostAndIsEscaped(t *testing.T) {
	for name, want := range map[string]string{
		"De Overkant":      "De Overkant",
		"localhost:8080":   "localhost<wbr>:8080",
		"blog.example":     "blog<wbr>.example",
		"127.0.0.1:8080":   "127.0.0.1<wbr>:8080",
		"a <b>&\" .x: 'y.": "a &lt;b&gt;&amp;&#34; <wbr>.x: &#39;y.",
		"\xff<.script":     "\ufffd&lt;<wbr>.script",
	} {
		if got := string(withBreaks(name)); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}
