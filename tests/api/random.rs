//! GenerateRandom.

use crate::{client, message};

#[tokio::test]
async fn as_many_bytes_as_asked_for() {
    let client = client();
    for length in [1, 32, 1024] {
        let made = client
            .generate_random()
            .number_of_bytes(length)
            .send()
            .await
            .unwrap();
        assert_eq!(made.plaintext().unwrap().as_ref().len(), length as usize);
    }
    assert_eq!(
        message(client.generate_random().send().await),
        "NumberOfBytes is required."
    );
}
