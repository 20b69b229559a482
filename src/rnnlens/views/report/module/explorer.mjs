// The explorer: one window, run again whenever something is changed.

import { bars } from "./bars.mjs";
import { GATES } from "./cells.mjs";
import { figure, html, signed } from "./draw.mjs";
import { heat } from "./heat.mjs";
import { line } from "./line.mjs";
import { network } from "./network.mjs";
import { decode, floor } from "./numbers.mjs";
import { load, run, secant, trace } from "./run.mjs";
import { table } from "./table.mjs";
import { waterfall } from "./waterfall.mjs";

const ROWS = 64, PARTS = 8;

export function explore(root, data) {
	const net = load(data.network), { steps: T, features: F } = net, { unit, names, labels, times, starts, sizes, words } = data;
	const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
	const called = (gate) => say(`gate ${gate}`);
	const series = decode(data.series), base = decode(data.baselines.numbers), [count, samples, rows, width] = data.baselines.shape;
	const layers = net.layers.map(({ name, called: as, cells, names: parts = [] }) => ({ ...cells?.[0], name, as, parts }));
	const recurrent = layers.flatMap((one) => one.parts), cellOf = (part) => layers.find((one) => one.parts.includes(part));
	const gatesOf = (part) => cellOf(part).shown;
	const still = { changes: {}, hold: "", unit: "" }, inside = (l) => ({ hold: "", unit: "", l, g: gatesOf(l)[0] });
	const state = { w: data.picks[0][1], s: T - 1, f: 0, ...still, ...inside(recurrent[0]) };
	try {
		const known = JSON.parse(decodeURIComponent(location.hash.split("#explorer=")[1]));
		if (known.w in starts && known.s in labels && known.f in names && gatesOf(known.l).includes(known.g)) Object.assign(state, known);
	} catch { /* no view in the address */ }

	const list = (length, of) => Array.from({ length }, (_, i) => of(i));
	const windowOf = (w) => [...series.subarray(starts[w] * F, (starts[w] + T) * F)];
	const baselineOf = (w) => (n) => list(T * F, (i) => {
		const sample = w % samples, row = floor(i / F) % rows;
		return base[((n * samples + sample) * rows + row) * width + ((i % F) % width)];
	});

	const change = (patch) => { Object.assign(state, patch); show(); };
	const options = (all) => all.map(([text, value]) => html("option", { value: `${value}` }, text));
	const input = (type, on, more = {}) => html("input", { type, input: ({ target }) => change(on(target.value)), ...more });
	const select = (all, on) => html("select", { change: ({ target: { value } }) => value && change(on(value)) }, ...options(all));
	const at = (w) => ({ w, changes: {} }), key = () => state.s * F + state.f;
	const controls = {
		pick: select([[say("any"), ""], ...data.picks], (w) => at(+w)),
		w: input("range", (w) => at(+w), { max: starts.length - 1 }),
		when: input("datetime-local", (when) => {
			const after = times.findIndex((one) => one.replace(" ", "T") >= when);
			return when ? at(after < 0 ? times.length - 1 : after) : {};
		}),
		s: input("range", (s) => ({ s: +s }), { max: T - 1 }),
		f: select(names.map((name, f) => [name, f]), (f) => ({ f: +f })),
		by: input("number", (by) => ({ changes: { ...state.changes, [key()]: +by } }), { step: "any" }),
		l: select(recurrent.map((one) => [one, one]), inside),
		g: select([], (g) => ({ g, hold: "" })),
		hold: input("number", (hold) => ({ hold }), { step: "any" }),
		unit: input("number", (one) => ({ unit: one }), { min: "0" }),
	};
	const by = html("span"), hold = html("span"), behind = { by, hold };
	const group = (title, ...keys) => html("fieldset", {}, html("legend", {}, say(title)), ...keys.map((name) => html("label", {}, `${say(name)} `, controls[name], behind[name] || "")));
	const spoken = html("p", { class: "found", "aria-live": "polite" }), board = html("div");
	root.replaceChildren(
		group("window", "pick", "w", ...(data.dated ? ["when"] : []), "s"), group("input", "f", "by"), group("inside", "l", "g", "hold", "unit"),
		html("button", { type: "button", click: () => change(still) }, say("undo")), spoken, board,
	);

	function show() {
		controls.g.replaceChildren(...options(gatesOf(state.l).map((one) => [called(one), one])));
		for (const name of ["w", "s", "f", "l", "g", "hold", "unit"]) controls[name].value = state[name];
		const { kind, units: H, limits: { [state.g]: limits = [] } } = cellOf(state.l), held = {};
		controls.unit.max = H - 1;
		[controls.hold.min = "", controls.hold.max = ""] = limits;
		by.textContent = ` ${data.units[state.f]}`;
		hold.textContent = ` ${limits.map(figure).join(" … ")}`;
		const window = windowOf(state.w), changed = window.slice(), moved = Object.entries(state.changes).filter(([, by]) => by);
		for (const [place, by] of moved) changed[place] += by / sizes[place % F];
		if (state.hold && controls.hold.checkValidity() && GATES[kind].includes(state.g)) held.gates = { [state.g]: +state.hold };
		if (state.unit && controls.unit.checkValidity()) held.units = [+state.unit];
		const holds = { [state.l]: held }, touched = moved.length || Object.keys(held).length;
		const told = secant(net, changed, list(count, baselineOf(state.w)), holds), before = run(net, window).forecast;

		controls.w.ariaValueText = times[state.w];
		controls.s.ariaValueText = labels[state.s];
		controls.pick.value = data.picks.find(([, w]) => w === state.w)?.[1] ?? "";
		controls.when.value = times[state.w].replace(" ", "T");
		if (document.activeElement !== controls.by) controls.by.value = state.changes[key()] || "";
		location.replace(`#explorer=${encodeURIComponent(JSON.stringify(state))}`);

		const bound = data.bounds[state.s], actual = data.actual[state.w];
		const said = ["forecast", touched && "changed", "baseline", actual !== null && "actual", bound !== null && "bound"].filter(Boolean);
		spoken.textContent = said.map((one) => say(`said ${one}`, { ...data, time: times[state.w], step: labels[state.s], forecast: figure(told.forecast), before: figure(before),
			change: signed(told.forecast - before), baseline: figure(told.baseline), actual: figure(actual || 0), bound: figure(bound || 0) })).join(" ");

		const byStep = list(T, (t) => told.contributions.subarray(t * F, (t + 1) * F).reduce((a, b) => a + b));
		const parts = Array.from(told.contributions, (one, i) => [`${names[i % F]} ${labels[floor(i / F)]}`, one]).sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
		const rest = parts.slice(PARTS).reduce((sum, [, one]) => sum + one, 0);
		const layer = trace(net, told.ran)[state.l], of = layer[state.g], units = of.length / T;
		const paths = list(units, (u) => list(T, (t) => of[t * units + u])), range = paths.map((one) => Math.max(...one) - Math.min(...one));
		const shown = [...range.keys()].sort((a, b) => range[b] - range[a]).slice(0, ROWS).sort((a, b) => a - b);
		const values = shown.flatMap((u) => paths[u]);
		const own = (kind, all) => ({ kind, name: say(kind), values: list(T, (t) => all[t * F + state.f] * sizes[state.f] + data.means[state.f]) });
		const lines = [own("observed", window), ...(touched ? [own("altered", changed)] : [])], gates = gatesOf(state.l);
		const common = { labels, step: state.s, choose: (s) => change({ s }), unit };
		const charts = [
			[say("over", { name: names[state.f] }), line, { lines, unit: data.units[state.f] }, ["", ...lines.map((one) => one.name)],
				labels.map((name, t) => [name, ...lines.map((one) => figure(one.values[t]))])],
			[say("steps"), bars, { values: byStep }, ["", unit], labels.map((name, t) => [name, signed(byStep[t])])],
			[say("parts"), waterfall, { start: told.baseline, parts: parts.length > PARTS ? [...parts.slice(0, PARTS), [say("rest"), rest]] : parts, words },
				["", unit], parts.map(([name, one]) => [name, signed(one)])],
			[say("cells", { layer: state.l, gate: called(state.g), shown: shown.length, units }), heat, { values, rows: shown.length, steps: T, names: shown },
				["", ...gates.map(called)], list(layer.units, (u) => [u, ...gates.map((one) => figure(layer[one][(state.s * layer[one].length) / T + u]))])],
		];
		const reached = () => [...board.querySelectorAll("button, summary, [tabindex]")], focused = reached().indexOf(document.activeElement);
		const open = [...board.querySelectorAll("details")].map((one) => one.open);
		board.replaceChildren(network({ layers, chosen: state.l, choose: (l) => change(inside(l)) }), ...charts.flatMap(([title, draw, more, headings, body]) => [
			html("h3", {}, title), draw({ ...common, ...more, title }), table(say("table", { title }), headings, body),
		]));
		board.querySelectorAll("details").forEach((one, i) => { one.open = open[i]; });
		reached()[focused]?.focus();
	}
	show();
}

const found = document.getElementById("explorer");
if (found) explore(found, JSON.parse(document.getElementById("explorer-data").textContent));
