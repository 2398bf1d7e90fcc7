//! What AWS says of each key material of a symmetric CMK.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/APIReference/API_RotationsListEntry.html>.

use super::wire_enum;

wire_enum! {
    /// `IncludeKeyMaterial`: what ListKeyRotations lists.
    IncludeKeyMaterial {
        AllKeyMaterial = "ALL_KEY_MATERIAL",
        RotationsOnly = "ROTATIONS_ONLY",
    }
}

wire_enum! {
    /// `KeyMaterialState`.
    KeyMaterialState {
        NonCurrent = "NON_CURRENT",
        Current = "CURRENT",
        PendingRotation = "PENDING_ROTATION",
        PendingMultiRegionImportAndRotation = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION",
    }
}

wire_enum! {
    /// `ImportState`: whether imported material is there.
    ImportState {
        Imported = "IMPORTED",
        PendingImport = "PENDING_IMPORT",
    }
}

wire_enum! {
    /// `ExpirationModelType`: whether imported material expires.
    ExpirationModel {
        KeyMaterialExpires = "KEY_MATERIAL_EXPIRES",
        KeyMaterialDoesNotExpire = "KEY_MATERIAL_DOES_NOT_EXPIRE",
    }
}
