"""How the report looks."""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff;
  max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
dt { color: #666; }
dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; white-space: nowrap; }
th { border-bottom: 2px solid #ccc; font-weight: 600; }
td { border-bottom: 1px solid #eee; }
figure { margin: 1.5rem 0; overflow-x: auto; break-inside: avoid; }
figure svg { max-width: 100%; min-width: 30rem; height: auto; }
footer { color: #666; margin-top: 2rem; font-size: .85rem; }
@media print { body { max-width: none; } figure svg { min-width: 0; }
  .wide { overflow: visible; } th, td { white-space: normal; font-size: .8em; } }
</style>
</head>
<body>
<h1>$title</h1>
$summary
<h2>Best trials</h2>
$leaderboard
<h2>Figures</h2>
$figures
$failures
<footer>Made by Trialflow from $url. Point at a figure for details.</footer>
<script type="application/json" id="specs">$specs</script>
<script type="module">$script</script>
</body>
</html>
"""

SCRIPT = """
const specs = JSON.parse(document.getElementById("specs").textContent);
specs.forEach((spec, place) => {
  const holder = document.getElementById("figure-" + place);
  const fresh = document.createElement("div");
  vegaEmbed(fresh, spec, { renderer: "svg", actions: false })
    .then(() => holder.replaceChildren(fresh))
    .catch((error) => console.error("figure " + place, error));
});
"""
"""Draws each figure again, so that it answers to the pointer; a failure leaves the still one."""
