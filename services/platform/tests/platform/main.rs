//! The platform against real servers: PostgreSQL and RabbitMQ, a database and a virtual host each.

mod access;
mod commands;
mod errors;
mod limits;
mod messaging;
mod paging;
mod probe;
mod running;
