// The recurrent cells over the steps of a window, forward and back.
//
// W (feature, gate * unit), U (output, gate * unit), b, perhaps V (3, unit), P (unit, output), b_rn
// (unit). All is kept in the order in which the steps are read.

import { addProduct, addTransposed, slope, value, zeros } from "./numbers.mjs";

export const GATES = { LSTM: ["i", "f", "g", "o"], GRU: ["z", "r", "n"], SimpleRNN: ["h"] };
const functionOf = (cell, gate) => ("ghn".includes(gate) ? cell.phi : cell.sigma);
export const stepRead = (cell, T, k) => (cell.backwards ? T - 1 - k : k);

/** Run a cell over x {data, steps, size}; holds {gates: {i: value}, units: [unit]}. */
export function runCell(cell, x, mask, holds = {}) {
	const { units: H, outputs: O, kind, U, V, P } = cell, names = GATES[kind];
	const T = x.steps, width = names.length * H, { gates: clamps = {}, units: frozen = [] } = holds;
	const a = zeros(T * width), y = zeros(T * width), q = zeros(T * H);
	const h = zeros((T + 1) * O), c = zeros((T + 1) * H), reach = zeros(width);
	for (let k = 0; k < T; k++) {
		const t = stepRead(cell, T, k), at = k * width, qAt = k * H, now = k * O, next = now + O, cNext = qAt + H;
		if (mask && !mask[t]) {
			h.copyWithin(next, now, next);
			c.copyWithin(cNext, qAt, cNext);
			continue;
		}
		for (let i = 0; i < width; i++) a[at + i] = cell.b[i];
		addProduct(a, at, x.data, t * x.size, x.size, cell.W, width);
		addProduct(a, at, h, now, O, U, width, 0, kind === "GRU" ? 2 * H : width);
		const activate = (g) => {
			const phi = functionOf(cell, names[g]), clamp = clamps[names[g]];
			for (let i = at + g * H; i < at + (g + 1) * H; i++) y[i] = clamp === undefined ? value(phi, a[i]) : clamp;
		};
		if (kind === "LSTM") {
			for (let u = 0; V && u < 2 * H; u++) a[at + u] += V[u] * c[qAt + (u % H)];
			[0, 1, 2].forEach(activate);
			for (let u = 0; u < H; u++) {
				c[cNext + u] = frozen.includes(u) ? c[qAt + u] : y[at + H + u] * c[qAt + u] + y[at + u] * y[at + 2 * H + u];
				if (V) a[at + 3 * H + u] += V[2 * H + u] * c[cNext + u];
			}
			activate(3);
			for (let u = 0; u < H; u++) q[qAt + u] = y[at + 3 * H + u] * value(cell.phi, c[cNext + u]);
			if (P) addProduct(h, next, q, qAt, H, P, O);
			else h.set(q.subarray(qAt, qAt + H), next);
		} else if (kind === "GRU") {
			[0, 1].forEach(activate);
			reach.fill(0);
			if (cell.reset_after) addProduct(reach, 0, h, now, H, U, width, 2 * H);
			for (let u = 0; u < H; u++) {
				const r = y[at + H + u];
				q[qAt + u] = cell.reset_after ? reach[2 * H + u] + cell.b_rn[u] : r * h[now + u];
				if (cell.reset_after) a[at + 2 * H + u] += r * q[qAt + u];
			}
			if (!cell.reset_after) addProduct(a, at, q, qAt, H, U, width, 2 * H);
			activate(2);
			for (let u = 0; u < H; u++) h[next + u] = y[at + u] * (h[now + u] - y[at + 2 * H + u]) + y[at + 2 * H + u];
		} else {
			activate(0);
			h.set(y.subarray(at, at + H), next);
		}
		for (const u of P ? [] : frozen) h[next + u] = h[now + u];
	}
	return { T, x, mask, a, y, q, h, c, clamps, frozen };
}

/** Carry multipliers back between two runs: m(k) arrives at the step read k-th; gives those of x. */
export function pullCell(cell, s, s0, m) {
	const { units: H, outputs: O, kind, U, V, P } = cell, { T, x, y, q, h, c, clamps, frozen } = s;
	const names = GATES[kind], width = names.length * H, out = zeros(T * x.size), mA = zeros(width);
	const mean = (one, other, i) => (one[i] + other[i]) / 2, Y = (i) => mean(y, s0.y, i);
	let mh = zeros(O), mc = zeros(H);
	for (let k = T - 1; k >= 0; k--) {
		const t = stepRead(cell, T, k), at = k * width, arriving = m(k);
		for (let u = 0; arriving && u < O; u++) mh[u] += arriving[u];
		if (s.mask && !s.mask[t]) continue;
		const back = zeros(O), backC = zeros(H);
		let mU = mA;
		for (const u of P ? [] : frozen) [back[u], mh[u]] = [mh[u], 0];
		const through = (g, u) => (clamps[names[g]] === undefined ? slope(functionOf(cell, names[g]), s.a[at + g * H + u], s0.a[at + g * H + u]) : 0);
		if (kind === "LSTM") {
			let mq = mh;
			if (P) addTransposed((mq = zeros(H)), 0, mh, 0, H, P, O);
			for (let u = 0; u < H; u++) {
				const [i, f, g, o] = [0, 1, 2, 3].map((n) => at + n * H + u), now = k * H + u, c1 = c[now + H], c2 = s0.c[now + H];
				mA[3 * H + u] = mq[u] * through(3, u) * (value(cell.phi, c1) + value(cell.phi, c2)) / 2;
				const moves = +!frozen.includes(u), m_c = mc[u] + mq[u] * Y(o) * slope(cell.phi, c1, c2) + (V ? mA[3 * H + u] * V[2 * H + u] : 0);
				mA[u] = moves * m_c * Y(g) * through(0, u);
				mA[H + u] = moves * m_c * mean(c, s0.c, now) * through(1, u);
				mA[2 * H + u] = moves * m_c * Y(i) * through(2, u);
				backC[u] = m_c * (moves ? Y(f) : 1) + (V ? mA[u] * V[u] + mA[H + u] * V[H + u] : 0);
			}
		} else if (kind === "GRU") {
			const mq = zeros(H);
			mU = zeros(width);
			for (let u = 0; u < H; u++) {
				const z = Y(at + u), n = at + 2 * H + u;
				back[u] += mh[u] * z;
				mA[u] = mh[u] * (mean(h, s0.h, k * H + u) - Y(n)) * through(0, u);
				mA[2 * H + u] = mh[u] * (1 - z) * through(2, u);
			}
			if (!cell.reset_after) addTransposed(mq, 0, mA, 0, H, U, width, 2 * H);
			for (let u = 0; u < H; u++) {
				const r = Y(at + H + u), before = cell.reset_after ? mean(q, s0.q, k * H + u) : mean(h, s0.h, k * H + u);
				mA[H + u] = (cell.reset_after ? mA[2 * H + u] : mq[u]) * before * through(1, u);
				mU[2 * H + u] = cell.reset_after ? mA[2 * H + u] * r : 0;
				back[u] += mq[u] * r;
			}
			mU.set(mA.subarray(0, 2 * H));
		} else for (let u = 0; u < H; u++) mA[u] = mh[u] * through(0, u);
		addTransposed(back, 0, mU, 0, O, U, width);
		addTransposed(out, t * x.size, mA, 0, x.size, cell.W, width);
		[mh, mc] = [back, backC];
	}
	return out;
}
