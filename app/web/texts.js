// Texts, numbers and dates in the language chosen. English texts are the keys; safepassage.app.map sends the others.
let WORDS = {}, LOCALE = "en-GB";

function speak(language) { WORDS = (language && language.words) || {}; LOCALE = language && language.code && language.code !== "en" ? language.code : "en-GB"; }
function t(text, values) { const said = WORDS[text] || text; return values ? said.replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all)) : said; }
function num(v, digits = 0) { return v.toLocaleString(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits }); }
function dated(date, parts) { return date.toLocaleString(LOCALE, { timeZone: "UTC", ...parts }); }
