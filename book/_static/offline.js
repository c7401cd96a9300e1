// Opened from a folder, a page may not read other pages, of which the search shows excerpts. Their texts stand in
// search_texts.js, which the builder writes (book/_ext/site_search.py); they are handed out in place of the pages.
if (location.protocol === "file:") {
  var texts = null;

  window.fetch = function (address) {
    texts = texts || loadTexts();
    return texts.then(function (pages) {
      var name = new URL(address, location).pathname.slice(new URL(contentRoot(), location).pathname.length);
      return new Response(asPage(pages[decodeURIComponent(name)] || []));
    });
  };
}

function contentRoot() {
  return document.documentElement.dataset.content_root;
}

function loadTexts() {
  return new Promise(function (done) {
    var script = document.createElement("script");
    script.src = contentRoot() + "_static/search_texts.js";
    script.addEventListener("load", function () {
      done(window.SEARCH_TEXTS);
    });
    document.head.append(script);
  });
}

// Sections, each with its id and its text, as the search expects them in a page.
function asPage(sections) {
  var main = document.createElement("div");
  main.setAttribute("role", "main");
  sections.forEach(function (section) {
    var part = document.createElement("section");
    part.id = section[0];
    part.textContent = section[1] + " ";
    main.append(part);
  });
  return main.outerHTML;
}
