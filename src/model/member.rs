//! The members of AWS's shapes, decoded and checked in one place.
