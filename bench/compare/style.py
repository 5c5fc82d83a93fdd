"""The page's style."""

STYLE = """
:root{--back:#fff;--text:#1c2126;--soft:#5b6570;--line:#dde2e7;--panel:#f6f8fa;
--ours:#0b62c4;--floor:#8a939d;--peer:#d08a2e;--good:#177a3d;--bad:#b3261e;
--none:#5b6570;--whisker:#11151a;
--s0:#7a828b;--s1:#0b62c4;--s2:#2a8f86;--s3:#c2571a;--s4:#8a4fbf;--s5:#b0882a;
--s6:#c23a6b;--s7:#4f7a28}
@media(prefers-color-scheme:dark){:root{--back:#14181c;--text:#e4e8ec;
--soft:#9aa5b0;--line:#333b44;--panel:#1c2228;--ours:#5aa7ff;--floor:#7d8894;
--peer:#e0a65a;--good:#5fce8a;--bad:#ff8a80;--none:#9aa5b0;--whisker:#fff;
--s0:#a5aeb8;--s1:#5aa7ff;--s2:#4cc7bb;--s3:#ff9a5c;--s4:#c59bf0;--s5:#e3c063;
--s6:#ff86ae;--s7:#9fd06a}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0 auto;max-width:1180px;padding:1rem 1.25rem 4rem;
background:var(--back);color:var(--text);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:1.8rem;margin:.5rem 0}
h2{font-size:1.35rem;margin:2.5rem 0 .5rem;padding-top:.75rem;
border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.5rem 0 .5rem}
p{max-width:75ch}
header p{color:var(--soft)}
a{color:var(--ours)}
code,pre{font:12.5px/1.45 ui-monospace,"DejaVu Sans Mono",monospace;
overflow-wrap:anywhere}
pre{background:var(--panel);padding:.75rem;white-space:pre-wrap}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin:1rem 0;
padding:.75rem 1rem;background:var(--panel);border-radius:6px}
.key{white-space:nowrap;margin-right:.6rem;color:var(--text)}
.key::before{content:"";display:inline-block;width:.8em;height:.8em;
margin-right:.35em;border-radius:2px;background:var(--c)}
.ours{--c:var(--ours)}.floor{--c:var(--floor)}.peer{--c:var(--peer)}
.tally{list-style:none;display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;padding:0}
.tally b{font-size:1.6rem}
.tally .met,.met .verdict{color:var(--good)}
.tally .not-met,.not-met .verdict{color:var(--bad)}
.tally .not-measured,.not-measured .verdict{color:var(--none)}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;
border-bottom:1px solid var(--line)}
thead th{color:var(--soft);font-weight:600;font-size:.85rem}
.num{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.verdict{width:10rem;font-weight:600}
.verdict span{display:inline-block;width:1em}
.aims .num{width:9rem}
.facts th{width:9rem;color:var(--soft);font-weight:600}
.facts td{overflow-wrap:anywhere}
details summary{cursor:pointer;color:var(--soft);font-size:.88rem}
details ul{margin:.25rem 0;padding-left:1rem;list-style:none;font-size:.88rem}
details p{margin:.25rem 0;font-size:.88rem;color:var(--soft)}
.scroll{overflow-x:auto}
.scroll table{font-size:.85rem}
.charts{display:grid;gap:1rem;
grid-template-columns:repeat(auto-fill,minmax(min(100%,480px),1fr))}
.charts.small{grid-template-columns:repeat(auto-fill,minmax(min(100%,350px),1fr))}
.small .bar{grid-template-columns:4.8rem minmax(0,1fr) 8rem}
figure{margin:0;padding:.75rem;background:var(--panel);border-radius:6px;
min-width:0}
figcaption{font-weight:600;margin-bottom:.5rem;font-size:.92rem}
figcaption em{font-weight:400;color:var(--soft);font-size:.8rem;
white-space:nowrap}
.bar{display:grid;grid-template-columns:8.5rem minmax(0,1fr) 8.2rem;gap:.5rem;
align-items:center;font-size:.82rem;line-height:1.25;padding:2px 0}
.who{overflow-wrap:anywhere}
.bar.ours .who{font-weight:700}
.track{position:relative;height:14px;background:var(--line);border-radius:2px}
.track i{position:absolute;inset:0 auto 0 0;background:var(--c);
border-radius:2px}
.track b{position:absolute;top:6px;height:2px;background:var(--whisker);
min-width:2px}
.much{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.much small{display:inline-block;min-width:3.1rem;color:var(--soft)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem .9rem;margin:0;
padding:0;font-size:.82rem}
.legend li{display:flex;align-items:center;gap:.35rem}
.legend svg{width:22px;height:12px;flex:none}
.lines svg{display:block;width:100%;height:auto}
.lines .legend svg{width:22px;display:inline-block}
.narrow{display:none}
svg text{fill:var(--soft);font-size:12px}
svg .title{fill:var(--text)}
svg .end{text-anchor:end}svg .middle{text-anchor:middle}
svg .grid{stroke:var(--line);stroke-width:1}
svg .line{fill:none;stroke:var(--c);stroke-width:1.6}
svg circle,svg rect,svg g path:not(.line),.legend path:not(.line){fill:var(--c)}
svg .ours .line{stroke-width:3}
.s0{--c:var(--s0)}.s1{--c:var(--s1)}.s2{--c:var(--s2)}.s3{--c:var(--s3)}
.s4{--c:var(--s4)}.s5{--c:var(--s5)}.s6{--c:var(--s6)}.s7{--c:var(--s7)}
@media(max-width:640px){
body{padding:.5rem .75rem 3rem}
.wide{display:none}.narrow{display:block}
.bar{grid-template-columns:6.2rem minmax(0,1fr) 7.6rem;font-size:.78rem}
.much small{min-width:2.7rem}
.aims thead{display:none}
.aims tr{display:grid;grid-template-columns:1fr 1fr;padding:.5rem 0;
border-bottom:1px solid var(--line)}
.aims td{border:0;padding:.1rem 0;width:auto!important}
.aims td:nth-child(-n+2){grid-column:1/-1}
.aims .num{text-align:left;font-size:.85rem}
.aims .num::before{content:attr(data-label) ": ";color:var(--soft)}
}
"""
