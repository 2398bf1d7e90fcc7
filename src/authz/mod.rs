//! authz.
