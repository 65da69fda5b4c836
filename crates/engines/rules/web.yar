// Web pages and images that carry a file in their script.

rule Html_Smuggling
{
    meta:
        description = "a web page that builds a program, archive or image file in its script and saves it"
        kind = "dropper"
    strings:
        $script = /<script\b/ nocase
        $decode1 = /\batob\s*\(/
        $decode2 = /\bUint8Array\b/
        $blob = /\bnew\s+Blob\s*\(/
        $save1 = /\.createObjectURL\s*\(/
        $save2 = /\.msSaveOrOpenBlob\s*\(/
        $save3 = /\.msSaveBlob\s*\(/
        $download = /\.download\s*=|["']download["']/
        $click = /\.click\s*\(\s*\)|["']click["']/
        // In base64: MZ with usual values behind it, zip, rar, 7z, ISO 9660, OLE2, LNK
        $exe1 = "TVqQAAMAAAA"
        $exe2 = "TVpQAAIAAAA"
        $exe3 = "TVoAAAAAAAA"
        $zip = "UEsDBBQA"
        $zip2 = "UEsDBAoA"
        $rar = "UmFyIRoH"
        $seven = "N3q8ryccAA"
        $iso = "Q0QwMDEB"
        $ole = "0M8R4KGxGuE"
        $lnk = "TAAAAAEUAgA"
    condition:
        filesize < 50MB and $script and $decode1 and $decode2 and $blob
        and (($save1 and $download and $click) or $save2 or $save3)
        and any of ($exe*, $zip*, $rar, $seven, $iso, $ole, $lnk)
}

rule Svg_ScriptSmuggling
{
    meta:
        description = "an SVG image whose script decodes something and loads or saves it"
        kind = "script"
    strings:
        $svg = /<svg\b/ nocase
        $script = /<script\b/ nocase
        $decode1 = /\batob\s*\(/
        $decode2 = /\bString\.fromCharCode\b/
        $decode3 = /\bnew\s+Blob\s*\(/
        $go1 = /\b(window|document|self|top|parent)?\.?location(\.href)?\s*=[^=]/
        $go2 = /\blocation\.(replace|assign)\s*\(/
        $go3 = /\beval\s*\(/
        $go4 = /\.createObjectURL\s*\(/
        $go5 = /\bdocument\.write\s*\(/
    condition:
        filesize < 20MB and $svg in (0..2048) and $script and any of ($decode*) and any of ($go*)
}
