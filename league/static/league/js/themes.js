// @ts-check
/** The choice of theme in the footer: as the system has it, light or dark. */

export function startTheme() {
  const choice = /** @type {HTMLSelectElement | null} */ (document.getElementById("theme"));
  if (!choice) return;
  choice.value = document.documentElement.dataset.theme ?? "";
  choice.closest("label")?.removeAttribute("hidden");
  choice.addEventListener("change", () => {
    document.documentElement.dataset.theme = choice.value;
    try {
      localStorage.setItem("theme", choice.value);
    } catch {
      // It holds for this page then.
    }
  });
}
