// Where a view of a live figure is shown.

// A frame with the view's name, its pictures, and the sentence about them, which is also the pictures' label.
function makePanel(view) {
  var panel = element("figure", "ib-view");
  var pictures = element("div", "ib-pictures");
  var text = element("p", "ib-text");
  panel.append(element("figcaption", "", view.title), pictures, text);
  pictures.setAttribute("role", "img");
  // The pictures' label says the same.
  text.setAttribute("aria-hidden", "true");
  panel.show = function (result) {
    var kinds = result.pictures.map(function (picture) {
      return "ib-drawn-" + picture.kind;
    });
    // Boxes are made once and drawn in again, as long as the pictures are of the same kinds.
    if (panel.kinds !== String(kinds)) {
      panel.kinds = String(kinds);
      pictures.replaceChildren.apply(pictures, kinds.map(function (kind) {
        return element("div", kind);
      }));
    }
    result.pictures.forEach(function (picture, k) {
      drawn[picture.kind](pictures.children[k], picture);
    });
    panel.classList.toggle("ib-narrow", panel.kinds === "ib-drawn-image" || panel.kinds === "ib-drawn-map");
    pictures.setAttribute("aria-label", view.title + ". " + result.text);
    text.textContent = result.text;
  };
  // The old pictures must not stand for the new state.
  panel.fail = function (error) {
    panel.kinds = null;
    pictures.textContent = text.textContent = String(error);
    pictures.setAttribute("aria-label", view.title + ". " + error);
    console.error(error);
  };
  return panel;
}
