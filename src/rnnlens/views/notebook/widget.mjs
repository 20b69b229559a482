// The explorer in a notebook. The page's own module runs here as it is, in a tree of its own: what
// it calls the document is that tree, and the notebook's address stays the notebook's.
export default {
	render({ model, el }) {
		const tree = el.attachShadow({ mode: "open" }), whole = globalThis.document;
		const location = { hash: "", replace() {} };
		const document = {
			createElement: (name) => whole.createElement(name),
			createElementNS: (space, name) => whole.createElementNS(space, name),
			getElementById: (id) => tree.getElementById(id),
			get activeElement() { return tree.activeElement; },
		};
		const style = whole.createElement("style"), root = whole.createElement("div"), told = whole.createElement("script");
		style.textContent = model.get("style");
		root.id = "explorer";
		told.id = "explorer-data";
		told.type = "application/json";
		told.textContent = model.get("told");
		tree.append(style, root, told);
		// the module
	},
};
