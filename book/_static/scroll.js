// What scrolls sideways takes the focus, so that the arrow keys move it.
(function () {
  var wide = ".ib-scroll, mjx-container[display], pre, dt.sig, .pst-scrollable-table-container";

  function letFocus(box) {
    var scrolls = box.scrollWidth > box.clientWidth && /auto|scroll/.test(getComputedStyle(box).overflowX);
    if (scrolls) {
      box.tabIndex = 0;
    } else {
      box.removeAttribute("tabindex");
    }
  }

  document.addEventListener("DOMContentLoaded", function () {
    // The page's height changes when formulas are set, when something unfolds, and with the width of the window.
    new ResizeObserver(function () {
      document.querySelectorAll(wide).forEach(letFocus);
    }).observe(document.body);
  });
})();
