//! A service with a database and a virtual host of its own, for tests.
