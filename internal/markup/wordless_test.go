package markup

import "testing"

func TestF130LinksOfStrangersHaveWords(t *testing.T) {
	shown := `<a href="https://a.example/x" ` + rel + `><span class="invisible">https://</span>a.example/x</a>`
	clean(t, []cleaning{
		{"an empty link", `<p>a<a href="https://a.example/x"></a>b</p>`, `<p>ab</p>`},
		{"blanks", `<p>a<a href="https://a.example/x"> &nbsp;
</a>b</p>`, `<p>ab</p>`},
		{"invisible characters", "<p>a<a href=\"https://a.example/x\">\u200b\u2060\ufeff</a>b</p>", `<p>ab</p>`},
		{"empty elements", `<p>a<a href="https://a.example/x"><b><span></span></b><br></a>b</p>`, `<p>ab</p>`},
		{"what is dropped", `<p>a<a href="https://a.example/x"><script>x</script></a>b</p>`, `<p>ab</p>`},
		{"a picture without a description", `<a href="https://a.example/x"><img src="https://a.example/p.png"></a>`, shown},
		{"a picture with a blank description",
			`<a href="https://a.example/x"><img src="https://a.example/p.png" alt=" "></a>`, shown},
		{"a picture alone with an invisible description", "<img src=\"https://a.example/x\" alt=\"\u200b\">", shown},
	})
}
