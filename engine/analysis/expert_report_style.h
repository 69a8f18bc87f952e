#pragma once

#include <string_view>

namespace switchyard::analysis {

/// The style sheet of the expert report: light or dark by the reader's preference, light in print.
/// h0 ... h8 colour shares from a quarter of a fair share to four; d0 ... d8 colour domains.
inline constexpr std::string_view kExpertReportStyle = R"css(
:root { color-scheme: light dark;
  --bg: #f7f5f1; --card: #fffefb; --ink: #22252a; --soft: #6a6f78; --line: #e3dfd7;
  --accent: #a8450c; --mark: #ffe3bd; --bar: #fae3c6; --bar2: #cfdff0; --fair: #22252a;
  --h0: #1f5fa8; --h1: #4d84c0; --h2: #86addb; --h3: #bfd3ea; --h4: #eae6de;
  --h5: #f5cfa6; --h6: #eea867; --h7: #db7c33; --h8: #b8520f;
  --d0: #3f77b5; --d1: #d9822b; --d2: #4f9a5e; --d3: #b5548a; --d4: #8a6fc0; --d5: #b8a12f;
  --d6: #3f9ea3; --d7: #c1564e; --d8: #a3a29c; }
@media screen and (prefers-color-scheme: dark) { :root {
  --bg: #14161a; --card: #1c1f24; --ink: #e5e2dc; --soft: #969ca6; --line: #31363e;
  --accent: #f2a765; --mark: #5b3d14; --bar: #5f4018; --bar2: #28415c; --fair: #e5e2dc;
  --h0: #6fb0f5; --h1: #4c88c8; --h2: #356396; --h3: #2a4562; --h4: #33373d;
  --h5: #5c4326; --h6: #8d5b24; --h7: #c47a2c; --h8: #f5a04c;
  --d0: #5f97d6; --d1: #e29a4c; --d2: #6cb87b; --d3: #cf76a8; --d4: #a58cdb; --d5: #cdb950;
  --d6: #5cbabf; --d7: #dc756d; --d8: #787873; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", "Noto Sans", sans-serif; }
main { max-width: 78rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; letter-spacing: -.02em; margin: 0 0 .3rem; }
h2 { font-size: 1.3rem; margin: 3rem 0 .2rem; padding-top: 1.2rem; border-top: 2px solid var(--line); }
h3 { font-size: .82rem; text-transform: uppercase; letter-spacing: .07em; color: var(--soft);
  margin: 2rem 0 .6rem; font-weight: 600; }
p { margin: .2rem 0 .8rem; max-width: 62rem; }
a { color: inherit; text-decoration: none; }
nav a, p a { color: var(--accent); }
a:hover { text-decoration: underline; }
.soft, small { color: var(--soft); }
.num { font-variant-numeric: tabular-nums; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)); gap: .7rem;
  margin: 1rem 0; padding: 0; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: .7rem .9rem; }
.tiles dt { color: var(--soft); font-size: .82rem; line-height: 1.3; }
.tiles dd { margin: .15rem 0 0; font-size: 1.35rem; font-weight: 600; line-height: 1.25;
  font-variant-numeric: tabular-nums; }
.tiles small { display: block; font-weight: 400; font-size: .78rem; line-height: 1.35; }
svg.strip { display: block; width: 100%; height: auto; margin: .3rem 0 .5rem; }
svg.strip text { font: 600 8px system-ui, sans-serif; fill: var(--ink); text-anchor: middle;
  pointer-events: none; }
svg.strip text.on { fill: #fff; }
svg.strip text.row { font-weight: 400; font-size: 7px; fill: var(--soft); text-anchor: end; }
svg.strip rect.none { fill: none; stroke: var(--line); }
.legend i.none { border: 1px solid var(--soft); }
.unused span { display: inline-block; min-width: 2.4rem; color: var(--soft);
  font-variant-numeric: tabular-nums; scroll-margin-top: 1rem; }
.unused span:target { color: var(--accent); font-weight: 700; }
svg.strip a:hover rect { stroke: var(--ink); stroke-width: 1.5; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; font-size: .82rem; color: var(--soft);
  align-items: center; }
.legend i { display: inline-block; width: .85rem; height: .85rem; border-radius: 3px;
  vertical-align: -.1rem; margin-right: .35rem; }
.legend .scale i { border-radius: 0; margin: 0; width: 1.4rem; }
.legend .scale { margin: 0 .4rem; white-space: nowrap; }
.index { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr));
  gap: .1rem 1.2rem; list-style: none; margin: 0; padding: 0; font-size: .9rem; }
.index li { display: flex; gap: .55rem; min-width: 0; }
.index b { min-width: 2.6rem; text-align: right; color: var(--accent);
  font-variant-numeric: tabular-nums; }
.index span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
  gap: 0 2.5rem; }
table { border-collapse: collapse; width: 100%; }
.spread td, .spread th { padding: .18rem .5rem .18rem 0; border-bottom: 1px solid var(--line);
  text-align: left; font-weight: 400; font-size: .9rem; }
.spread th { color: var(--soft); font-size: .8rem; }
.spread .r { text-align: right; font-variant-numeric: tabular-nums; }
.spread a { color: var(--accent); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 35rem), 1fr));
  gap: 1rem; align-items: start; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: .9rem 1.1rem 1rem; min-width: 0; scroll-margin-top: 1rem; break-inside: avoid;
  content-visibility: auto; contain-intrinsic-size: auto 27rem; }
.card:target { border-color: var(--accent); box-shadow: 0 0 0 2px var(--accent); }
.card header { display: flex; align-items: baseline; gap: .8rem; margin-bottom: .1rem; }
.card header b { white-space: nowrap; font-size: 1.25rem; letter-spacing: -.01em; }
.card header i { width: .8rem; height: .8rem; border-radius: 3px; align-self: center; }
.card header span { color: var(--soft); font-size: .84rem; }
.share { position: relative; height: 5px; border-radius: 3px; background: var(--line);
  margin: .35rem 0 .75rem; }
.share b { position: absolute; inset: 0 auto 0 0; border-radius: 3px; background: var(--h7); }
.share u { position: absolute; top: -3px; bottom: -3px; width: 2px; background: var(--fair); }
.kwic { font-size: .92rem; line-height: 1.45; table-layout: auto; }
.kwic td { padding: .05rem 0; white-space: nowrap; vertical-align: baseline; }
.kwic .g { font-size: .78rem; color: var(--soft); font-variant-numeric: tabular-nums;
  padding: 0 .4rem 0 .3rem; border-radius: 3px; width: 3.2rem; min-width: 3.2rem;
  background: linear-gradient(90deg, var(--bar2) var(--w), transparent 0); }
.kwic .b, .kwic .a { width: 50%; max-width: 0; overflow: hidden; color: var(--soft); }
.kwic .b span { display: flex; justify-content: flex-end; white-space: pre; }
.kwic .a { text-overflow: ellipsis; white-space: pre; }
.kwic .w { padding: 0 .3rem; text-align: center; }
.kwic mark { background: var(--mark); color: var(--ink); font-weight: 600; border-radius: 4px;
  padding: .02rem .32rem; }
.words { display: flex; flex-wrap: wrap; gap: .3rem .35rem; list-style: none; padding: 0;
  margin: .8rem 0 0; }
.words li { border: 1px solid var(--line); border-radius: 6px; padding: .02rem .5rem;
  font-size: .9rem; background: linear-gradient(90deg, var(--bar) var(--w), transparent 0); }
.words small { font-size: .76rem; font-variant-numeric: tabular-nums; margin-left: .3rem;
  color: var(--ink); opacity: .68; }
.foot { display: grid; grid-template-columns: 12rem minmax(0, 1fr); gap: 1.4rem; margin-top: .9rem;
  align-items: end; font-size: .78rem; color: var(--soft); }
.foot svg { display: block; width: 100%; height: auto; }
.foot svg text { font: 9px system-ui, sans-serif; fill: var(--soft); text-anchor: middle; }
.stack { display: flex; height: .8rem; border-radius: 4px; overflow: hidden; margin-bottom: .3rem;
  background: var(--line); }
.stack i { display: block; min-width: 1px; }
.doms { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.empty { color: var(--soft); margin: .3rem 0 0; }
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; }
@media (max-width: 40rem) { main { padding: 1.2rem .8rem; } .foot { grid-template-columns: minmax(0, 1fr); } }
@media print { body { font-size: 10px; background: #fff; } main { max-width: none; padding: 0; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .card { content-visibility: visible; border-color: #bbb; } h2 { break-before: page; }
  h2:first-of-type { break-before: auto; }
  .cards { grid-template-columns: 1fr 1fr; gap: .6rem; } }
)css";

}  // namespace switchyard::analysis
