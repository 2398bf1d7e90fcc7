//! How much an account may have.

use super::*;
use crate::quotas::peer::Answer;

/// The account that may have little.
async fn poor() -> &'static Keys {
    static POOR: tokio::sync::OnceCell<Keys> = tokio::sync::OnceCell::const_new();
    POOR.get_or_init(|| account("333333333333")).await
}

fn exceeds(answer: &Answer, what: &str) {
    assert_eq!(answer.code(), "LimitExceededException", "{}", answer.body);
    assert!(answer.message().contains(what), "{}", answer.message());
}

async fn key(keys: &Keys, region: Value) -> String {
    let made = keys.done("TrentService.CreateKey", region).await;
    text(&made["KeyMetadata"]["KeyId"])
}

#[tokio::test]
async fn keys_and_what_they_have() {
    let poor = poor().await;
    let external = key(poor, json!({"Origin": "EXTERNAL"})).await;
    let second = key(poor, json!({})).await;
    for _ in 0..3 {
        let third = poor.ask("TrentService.CreateKey", json!({})).await;
        exceeds(&third, "quota of 2 KMS keys");
    }

    for name in ["alias/one", "alias/two"] {
        let alias = json!({"AliasName": name, "TargetKeyId": second});
        poor.done("TrentService.CreateAlias", alias).await;
    }
    let alias = json!({"AliasName": "alias/three", "TargetKeyId": second});
    exceeds(
        &poor.ask("TrentService.CreateAlias", alias).await,
        "quota of 2 aliases",
    );
    let alias = json!({"AliasName": "alias/three", "TargetKeyId": external});
    poor.done("TrentService.CreateAlias", alias).await;
    let moved = json!({"AliasName": "alias/three", "TargetKeyId": second});
    exceeds(
        &poor.ask("TrentService.UpdateAlias", moved).await,
        "quota of 2 aliases",
    );

    let grant = json!({"KeyId": second, "Operations": ["Encrypt"],
                       "GranteePrincipal": "arn:aws:iam::333333333333:root"});
    for _ in 0..2 {
        poor.done("TrentService.CreateGrant", grant.clone()).await;
    }
    exceeds(
        &poor.ask("TrentService.CreateGrant", grant).await,
        "2 grants",
    );

    let wrapping = json!({"KeyId": external, "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
                          "WrappingKeySpec": "RSA_2048"});
    let ask = || poor.ask("TrentService.GetParametersForImport", wrapping.clone());
    for _ in 0..2 {
        assert_eq!(ask().await.status, 200);
    }
    exceeds(&ask().await, "quota of 2 import tokens");
    // Which nobody else notices.
    let external = key(&root(), json!({"Origin": "EXTERNAL"})).await;
    let mut theirs = wrapping.clone();
    theirs["KeyId"] = external.into();
    root()
        .done("TrentService.GetParametersForImport", theirs)
        .await;
}

#[tokio::test]
async fn users_and_roles() {
    let poor = poor().await;
    poor.done("Strongroom.CreateUser", json!({"UserName": "one"}))
        .await;
    let two = poor
        .ask("Strongroom.CreateUser", json!({"UserName": "two"}))
        .await;
    exceeds(&two, "Cannot exceed quota for UsersPerAccount: 1");
    root()
        .done("Strongroom.CreateUser", json!({"UserName": "two"}))
        .await;
}

#[tokio::test]
async fn custom_key_stores_and_the_passwords_that_are_tried() {
    let poor = poor().await;
    let store = |name: &str, letter: char| {
        json!({"CustomKeyStoreName": name, "TrustAnchorCertificate": "c",
               "CloudHsmClusterId": format!("cluster-strongroomdev{letter}"),
               "KeyStorePassword": "wrong-password"})
    };
    let made = poor
        .done("TrentService.CreateCustomKeyStore", store("a", 'a'))
        .await;
    let id = json!({"CustomKeyStoreId": made["CustomKeyStoreId"]});
    let second = poor
        .ask("TrentService.CreateCustomKeyStore", store("b", 'b'))
        .await;
    exceeds(&second, "quota of 1 custom key stores");

    poor.done("TrentService.ConnectCustomKeyStore", id.clone())
        .await;
    let state = || async {
        let described = poor
            .done("TrentService.DescribeCustomKeyStores", id.clone())
            .await;
        text(&described["CustomKeyStores"][0]["ConnectionState"])
    };
    while state().await == "CONNECTING" {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(state().await, "FAILED");
    poor.done("TrentService.DisconnectCustomKeyStore", id.clone())
        .await;
    // A new one is not tried within the hour, and the token is none the worse.
    let mut another = id.clone();
    another["KeyStorePassword"] = "another-one".into();
    poor.done("TrentService.UpdateCustomKeyStore", another)
        .await;
    let refused = poor
        .ask("TrentService.ConnectCustomKeyStore", id.clone())
        .await;
    assert_eq!(refused.code(), "ThrottlingException");
    assert!(
        refused.message().contains("1 passwords"),
        "{}",
        refused.message()
    );
    assert_eq!(state().await, "DISCONNECTED");
}
