package Uplink::JWT;

# JSON web tokens, right and wrong, signed by the openssl of the machine.
#
#   my $jwt = Uplink::JWT->new($dir);        # a folder for keys
#   $jwt->generate('rsa', 'RS256');          # rsa.key, rsa.pem
#   $jwt->token('RS256', 'rsa', { sub => 'a' });
#   $jwt->token('HS256', \'a secret', { … }, { kid => 'k' });
#
# Claims may be a hash, or text as it is.  mac and signature are the parts.

use strict;
use warnings;

use Carp qw(croak);
use Digest::SHA qw(hmac_sha256 hmac_sha384 hmac_sha512);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url decode_base64url);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

my %hmac = (256 => \&hmac_sha256, 384 => \&hmac_sha384,
    512 => \&hmac_sha512);

my %options = (
    RS => '', PS => '-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1',
    ES => '',
);

my %genpkey = (
    RS => '-algorithm RSA -pkeyopt rsa_keygen_bits:2048',
    PS => '-algorithm RSA -pkeyopt rsa_keygen_bits:2048',
    ES256 => '-algorithm EC -pkeyopt ec_paramgen_curve:P-256',
    ES384 => '-algorithm EC -pkeyopt ec_paramgen_curve:P-384',
    Ed => '-algorithm ED25519',
);

sub new {
    my ($class, $dir) = @_;

    return bless { dir => $dir }, $class;
}

sub run {
    my ($self, @commands) = @_;

    for my $command (@commands) {
        system("cd $self->{dir} && openssl $command 2> openssl.log") == 0
            or croak "openssl $command";
    }

    return;
}

sub generate {
    my ($self, $name, $alg) = @_;

    my $how = $genpkey{$alg} // $genpkey{substr $alg, 0, 2};

    $self->run("genpkey $how -out $name.key",
        "pkey -in $name.key -pubout -out $name.pem");

    return;
}

sub slurp {
    my ($self, $name) = @_;

    open my $file, '<:raw', "$self->{dir}/$name" or croak "$name: $!";
    local $/;
    return scalar <$file>;
}

sub signature {
    my ($self, $alg, $key, $input) = @_;

    my ($kind, $bits) = (substr($alg, 0, 2), substr $alg, 2);

    return $hmac{$bits}->($input, $$key) if ref $key;

    open my $file, '>:raw', "$self->{dir}/input" or croak $!;
    print $file $input;
    close $file;

    if ($kind eq 'Ed') {
        $self->run("pkeyutl -sign -rawin -inkey $key.key -in input -out sig");
        return $self->slurp('sig');
    }

    $self->run("dgst -sha$bits $options{$kind} -sign $key.key -out sig input");

    my $sig = $self->slurp('sig');
    return $kind eq 'ES' ? raw($sig, $bits / 8) : $sig;
}

# the r and s of an ECDSA signature in DER, as a token has them

sub raw {
    my ($der, $size) = @_;

    my $out = '';

    for (my $at = 2; $at < length $der; ) {
        my $len = ord substr $der, $at + 1, 1;
        my $number = substr $der, $at + 2, $len;
        $number =~ s/\A\0+//;
        $out .= "\0" x ($size - length $number) . $number;
        $at += 2 + $len;
    }

    return $out;
}

sub token {
    my ($self, $alg, $key, $claims, $header) = @_;

    my $head = ref $header || !defined $header
        ? $json->encode({ typ => 'JWT', alg => $alg, %{$header // {}} })
        : $header;
    my $input = join '.', map { encode_base64url($_) } $head,
        ref $claims ? $json->encode($claims) : $claims;

    return "$input." . encode_base64url($self->signature($alg, $key, $input));
}

# a public key's numbers as a JWK, from the DER of its SubjectPublicKeyInfo

sub jwk {
    my ($self, $name, $alg, %more) = @_;

    $self->run("pkey -pubin -in $name.pem -outform DER -out der");
    my $der = $self->slurp('der');

    my %key;

    if ($alg =~ /^[RP]S/) {
        $self->run("rsa -pubin -in $name.pem -noout -modulus > modulus");
        my ($hex) = $self->slurp('modulus') =~ /=([0-9A-F]+)/;
        %key = (kty => 'RSA', e => 'AQAB',
            n => encode_base64url(pack 'H*', $hex));

    } elsif ($alg =~ /^ES(\d+)/) {
        my $size = $1 / 8;
        %key = (kty => 'EC', crv => "P-$1",
            x => encode_base64url(substr $der, -2 * $size, $size),
            y => encode_base64url(substr $der, -$size));

    } else {
        %key = (kty => 'OKP', crv => 'Ed25519',
            x => encode_base64url(substr $der, -32));
    }

    return { %key, alg => $alg, %more };
}

sub encode { $json->encode($_[1]) }

1;
