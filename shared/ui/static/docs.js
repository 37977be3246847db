// Starts Swagger UI on this service's own OpenAPI text.
const place = document.getElementById("swagger-ui");
SwaggerUIBundle({ url: place.dataset.url, domNode: place, deepLinking: true, docExpansion: "list", validatorUrl: null });
