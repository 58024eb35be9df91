//! The platform against real servers: PostgreSQL and RabbitMQ, a database and a virtual host each.

mod messaging;
