//! Placeholder until the app mounts here.
#[cfg(target_arch = "wasm32")]
fn main() {
    use yew::prelude::*;
    #[component]
    fn App() -> Html {
        html! { <h1>{ "Faultline" }</h1> }
    }
    let root = web_sys::window().and_then(|w| w.document()).and_then(|d| d.get_element_by_id("app"));
    match root {
        Some(root) => yew::Renderer::<App>::with_root(root).render(),
        None => yew::Renderer::<App>::new().render(),
    };
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {}
