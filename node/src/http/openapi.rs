//! `/openapi.json`: the API described for other programs, made from the table of routes.

use axum::Json;
use axum::routing::get;
use essaim_protocol::api::Error;
use utoipa::ToSchema;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, PathsBuilder, Ref, RefOr, Required, ResponseBuilder,
};

use super::extract::LINES;
use super::{Route, routes as all_routes};

/// The form of a body.
#[derive(Clone)]
pub(super) struct Shape {
    media: &'static str,
    schema: RefOr<Schema>,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl Shape {
    /// One object.
    pub(super) fn one<T: ToSchema>() -> Self {
        let mut schemas = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut schemas);
        Self { media: "application/json", schema: Ref::from_schema_name(T::name()).into(), schemas }
    }

    /// An array.
    pub(super) fn many<T: ToSchema>() -> Self {
        let Self { media, schema, schemas } = Self::one::<T>();
        Self { media, schema: ArrayBuilder::new().items(schema).into(), schemas }
    }

    /// JSON lines that report progress and end with one object.
    pub(super) fn lines<T: ToSchema>() -> Self {
        let progress = Self::one::<essaim_protocol::api::Progress>();
        let Self { schema, mut schemas, .. } = Self::one::<T>();
        schemas.extend(progress.schemas);
        let line = ObjectBuilder::new()
            .description(Some("One line: `progress` any number of times, then `answer` or `error` once"))
            .property("progress", progress.schema)
            .property("answer", schema)
            .property("error", Ref::from_schema_name(Error::name()));
        Self { media: LINES, schema: line.into(), schemas }
    }

    /// JSON lines of records in the model's own form.
    pub(super) fn any_lines() -> Self {
        Self { media: LINES, schema: ObjectBuilder::new().into(), schemas: Vec::new() }
    }

    /// A text that is no JSON.
    pub(super) fn text(media: &'static str) -> Self {
        let text = ObjectBuilder::new().schema_type(Type::String);
        Self { media, schema: text.into(), schemas: Vec::new() }
    }

    fn content(&self) -> utoipa::openapi::Content {
        ContentBuilder::new().schema(Some(self.schema.clone())).build()
    }
}

pub(super) fn routes() -> Vec<Route> {
    let any = Shape { media: "application/json", schema: ObjectBuilder::new().into(), schemas: Vec::new() };
    vec![Route::new("get", "/api/v1/openapi.json", get(serve), any, "This description")]
}

async fn serve() -> Json<OpenApi> {
    Json(document())
}

/// The description.
fn document() -> OpenApi {
    let mut paths = PathsBuilder::new();
    let mut components = ComponentsBuilder::new()
        .security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
        .schemas_from_iter(Shape::one::<Error>().schemas);
    for route in all_routes() {
        paths = paths.path(route.path, PathItem::new(method(&route), operation(&route)));
        let shapes = route.body.iter().chain([&route.answer]);
        components = components.schemas_from_iter(shapes.flat_map(|shape| shape.schemas.clone()));
    }
    let about = "The local API of an Essaim node. Send the token of the home (`HOME/token`) as a bearer token.";
    OpenApiBuilder::new()
        .info(InfoBuilder::new().title("Essaim").version(env!("CARGO_PKG_VERSION")).description(Some(about)))
        .paths(paths)
        .components(Some(components.build()))
        .security(Some([SecurityRequirement::new("token", Vec::<String>::new())]))
        .build()
}

fn operation(route: &Route) -> utoipa::openapi::path::Operation {
    let mut operation = OperationBuilder::new().summary(Some(route.summary));
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    for name in in_path {
        operation =
            operation.parameter(parameter(name, ParameterIn::Path, Required::True, "id, unique prefix or name"));
    }
    let everywhere =
        [("commons", "which commons, by name or id, when the home holds several"), ("lang", "`fr` or `en`")];
    for (name, says) in route.query.iter().chain(&everywhere) {
        operation = operation.parameter(parameter(name, ParameterIn::Query, Required::False, says));
    }
    if let Some(body) = &route.body {
        operation = operation.request_body(Some(
            RequestBodyBuilder::new().content(body.media, body.content()).required(Some(Required::True)).build(),
        ));
    }
    let done = ResponseBuilder::new().description(route.summary).content(route.answer.media, route.answer.content());
    let error = Shape::one::<Error>();
    let failed = ResponseBuilder::new()
        .description("Why not, as data (`kind` and its fields) and in words (`message.fr`, `message.en`)")
        .content(error.media, error.content());
    operation.response("2XX", done).response("default", failed).build()
}

fn parameter(name: &str, place: ParameterIn, required: Required, says: &str) -> ParameterBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String);
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(says))
        .schema(Some(RefOr::T(Schema::Object(text.build()))))
}

fn method(route: &Route) -> HttpMethod {
    match route.method {
        "post" => HttpMethod::Post,
        "patch" => HttpMethod::Patch,
        "delete" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}
