//! Compiles the contracts and derives from their options what every program needs to know about them.

use std::{env, fs, path::PathBuf};

use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, Value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=handslag");
    let files = proto_files("handslag")?;
    let mut compiler = protox::Compiler::new(["."])?;
    compiler
        .include_source_info(true)
        .include_imports(true)
        .open_files(&files)?;
    // Encoded by protox itself: prost-types would drop the options that are extensions.
    let encoded = compiler.encode_file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), &encoded)?;

    tonic_prost_build::configure()
        .build_transport(true)
        .compile_fds(compiler.file_descriptor_set())?;

    let pool = DescriptorPool::decode(encoded.as_slice())?;
    fs::write(out.join("events.rs"), events(&pool)?)?;
    fs::write(out.join("requests.rs"), requests(&pool))?;
    Ok(())
}

fn proto_files(folder: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(proto_files(&path.to_string_lossy())?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// One `impl EventMessage` per message of `handslag.events.v1` that carries the event option, and the list of all.
fn events(pool: &DescriptorPool) -> Result<String, Box<dyn std::error::Error>> {
    let extension = pool
        .get_extension_by_name("handslag.common.v1.event")
        .ok_or("the event option is not declared")?;
    let mut impls = String::new();
    let mut list = String::new();
    for message in pool
        .all_messages()
        .filter(|m| m.package_name() == "handslag.events.v1")
    {
        let options = message.options();
        if !options.has_extension(&extension) {
            continue;
        }
        let value = options.get_extension(&extension);
        let Value::Message(event) = value.as_ref() else {
            continue;
        };
        let (service, aggregate, name) = (
            text(event, "service"),
            text(event, "aggregate"),
            text(event, "name"),
        );
        let wire = format!("se.handslag.{service}.{aggregate}.{name}.v1");
        let severity = number(event, "severity");
        let rust = message.name();
        impls.push_str(&format!(
            "impl EventMessage for events::v1::{rust} {{\n\
             const SERVICE: &'static str = {service:?};\n\
             const AGGREGATE: &'static str = {aggregate:?};\n\
             const NAME: &'static str = {name:?};\n\
             const TYPE: &'static str = {wire:?};\n\
             const SEVERITY: i32 = {severity};\n\
             fn scope(&self) -> Option<&common::v1::EventScope> {{ self.scope.as_ref() }}\n}}\n"
        ));
        list.push_str(&format!(
            "EventDescriptor {{ r#type: {wire:?}, service: {service:?}, aggregate: {aggregate:?}, name: {name:?}, severity: {severity} }},\n"
        ));
    }
    Ok(format!(
        "{impls}\nstatic EVENT_TYPES: &[EventDescriptor] = &[\n{list}];\n"
    ))
}

fn text(message: &DynamicMessage, field: &str) -> String {
    message
        .get_field_by_name(field)
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn number(message: &DynamicMessage, field: &str) -> i32 {
    message
        .get_field_by_name(field)
        .and_then(|value| value.as_enum_number())
        .unwrap_or_default()
}

/// One `impl RequestFields` per request message: its text fields by name, for the rules that compare them.
fn requests(pool: &DescriptorPool) -> String {
    let mut code = String::new();
    for service in pool
        .services()
        .filter(|s| s.package_name().starts_with("handslag."))
    {
        for method in service.methods() {
            let request: MessageDescriptor = method.input();
            let module = request
                .package_name()
                .trim_start_matches("handslag.")
                .replace('.', "::");
            let arms: String = request
                .fields()
                .filter(|field| !field.is_list() && matches!(field.kind(), Kind::String))
                .map(|field| format!("{0:?} => Some(&self.{0}),\n", field.name()))
                .collect();
            code.push_str(&format!(
                "impl RequestFields for {module}::{} {{\n\
                 fn text_field(&self, name: &str) -> Option<&str> {{ match name {{ {arms} _ => None }} }}\n}}\n",
                request.name()
            ));
        }
    }
    code
}
