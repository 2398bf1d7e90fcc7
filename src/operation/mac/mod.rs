//! GenerateMac and VerifyMac: HMAC inside the token.

pub mod generate_mac;
pub mod verify_mac;
