// Writes the licences of everything that is bundled; run behind `npm install`.
const fs = require("fs");
const skipped = /^(esbuild|@|yargs|cliui|escalade|get-caller|require-dir|string-width|strip-ansi|wrap-ansi|ansi-|emoji|is-full|y18n|json-stringify|iconv|rw$|commander|safer-buffer|undici|whatwg|web|tr46|node-fetch)/;
const told = fs
  .readdirSync("node_modules")
  .filter((name) => !name.startsWith(".") && !skipped.test(name))
  .map((name) => {
    const folder = `node_modules/${name}/`;
    const { version, license } = JSON.parse(fs.readFileSync(`${folder}package.json`));
    const file = fs.readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? fs.readFileSync(folder + file, "utf8").trim() : license;
    return `${name} ${version}\n\n${text}\n`;
  });
fs.writeFileSync("../vega.LICENSE.txt", told.join("\n" + "-".repeat(80) + "\n\n"));
