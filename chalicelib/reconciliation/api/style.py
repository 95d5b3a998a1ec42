"""How the page looks: one column, one typeface, colour only where it says something."""

STYLE = """
:root{--ink:#1d2321;--soft:#66706c;--line:#e3e1da;--paper:#fbfaf7;--card:#fff;
--good:#2f7d5b;--wait:#b7791f;--bad:#b3372f;--ours:#3d5a80;--theirs:#293241}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);line-height:1.5;
font:15px/1.5 system-ui,-apple-system,"Segoe UI","PingFang SC","Noto Sans CJK SC",
"Microsoft YaHei",sans-serif}
main{max-width:1000px;margin:0 auto;padding:48px 40px 64px}
.over{margin:0;color:var(--soft);letter-spacing:.04em}
h1{margin:2px 0 12px;font-size:34px;font-weight:600;letter-spacing:-.01em}
h1 span{font-weight:400;color:var(--soft);margin-left:.2em}
h2{margin:0 0 16px;font-size:17px;font-weight:600}
.zh{color:var(--soft);font-weight:400;font-size:.9em;white-space:nowrap}
.verdict{display:inline-block;margin:0;padding:6px 14px;border-left:4px solid;
background:var(--card);font-size:18px;font-weight:500}
.good{border-color:var(--good);color:var(--good)}
.wait{border-color:var(--wait);color:var(--wait)}
p.bad{border-color:var(--bad);color:var(--bad)}
dl{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:1px;margin:28px 0 8px;
background:var(--line);border:1px solid var(--line)}
dl div{background:var(--card);padding:14px 18px}
dt{font-size:13px;color:var(--soft)}
dd{margin:2px 0 0;font-size:23px;font-weight:500;font-variant-numeric:tabular-nums}
section{margin-top:40px}
svg{display:block;width:100%;height:auto;background:var(--card);border:1px solid var(--line);
padding:12px 18px;overflow:visible}
svg text{font-size:14px;fill:var(--ink)}
svg .n{text-anchor:end;font-variant-numeric:tabular-nums}
svg .note{font-size:12px;fill:var(--soft)}
.thread{stroke:#b9b7ae;stroke-dasharray:2 3}
.cut{stroke:var(--card);stroke-width:3;fill:none}
.ours{fill:var(--ours)}.theirs{fill:var(--theirs)}rect.bad{fill:var(--bad)}
.o-matched{fill:#c9d6cf;background:#c9d6cf}
.o-missing_here{fill:#d1495b;background:#d1495b}
.o-missing_there{fill:#edae49;background:#edae49}
.o-amount{fill:#7b4b94;background:#7b4b94}
.o-state{fill:#00798c;background:#00798c}
.o-fee{fill:#8a6d3b;background:#8a6d3b}
.o-duplicate{fill:#e07a5f;background:#e07a5f}
.o-fees{fill:#7d8c99;background:#7d8c99}
.o-opening{fill:#a3b18a;background:#a3b18a}
i{display:inline-block;width:10px;height:10px;margin-right:7px;border-radius:2px}
.legend{display:flex;flex-wrap:wrap;gap:4px 22px;margin:10px 0 14px;padding:0;list-style:none;
font-size:13px}
.wide{overflow-x:auto}
table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);
font-size:14px}
th{padding:9px 12px;border-bottom:1px solid var(--line);text-align:left;font-weight:500;
color:var(--soft);font-size:13px;white-space:nowrap}
td{padding:9px 12px;border-bottom:1px solid var(--line);vertical-align:top}
tbody tr:last-child td{border-bottom:0}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.about{min-width:16em;overflow-wrap:anywhere}
td.day{white-space:nowrap}
code{font:12px/1.6 ui-monospace,"SF Mono",Menlo,Consolas,monospace;color:var(--soft);
overflow-wrap:anywhere}
small{font-size:12px;color:var(--soft)}
q{font-size:13px;quotes:"“" "”"}
.s-open{color:var(--bad)}.s-waiting{color:var(--wait)}
.s-resolved,.s-matched{color:var(--good)}
.none{margin:0;padding:14px 18px;background:var(--card);border:1px solid var(--line);
color:var(--soft)}
footer{margin-top:44px;padding-top:14px;border-top:1px solid var(--line);color:var(--soft);
font-size:13px}
@media (max-width:720px){main{padding:28px 18px}dd{font-size:18px}svg{min-width:640px}
dl{grid-template-columns:repeat(2,minmax(0,1fr))}dl div{padding:12px 14px}}
@media print{body{background:#fff;font-size:12px}main{padding:0}section{break-inside:avoid}}
"""
