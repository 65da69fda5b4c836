// Executables that pretend to be something else.

rule Exe_DoubleExtension
{
    meta:
        description = "a Windows executable whose name shows a document's extension before its own"
        kind = "trojan"
    condition:
        uint16(0) == 0x5A4D and uint32(uint32(0x3C)) == 0x00004550
        and filename matches /\.(pdf|docx?|xlsx?|pptx?|rtf|txt|csv|jpe?g|png|gif|html?|zip|rar|mp[34])[ _\.\-]*\.(exe|scr|com|pif|cpl)$/i
}

rule Exe_NamedAsDocument
{
    meta:
        description = "a Windows executable under the name of a document or image"
        kind = "trojan"
    condition:
        uint16(0) == 0x5A4D and uint32(uint32(0x3C)) == 0x00004550
        and filename matches /\.(pdf|docx?|xlsx?|pptx?|rtf|txt|csv|jpe?g|png|gif|bmp|html?|mp[34])[ \.]*$/i
}

rule Exe_InImage
{
    meta:
        description = "a Windows executable behind or inside an image"
        kind = "dropper"
    strings:
        $stub = "This program cannot be run in DOS mode"
        $header = { 50 45 00 00 ( 4C 01 | 64 86 | 64 AA ) }
    condition:
        // JPEG, PNG, GIF
        (uint16be(0) == 0xFFD8 or uint32be(0) == 0x89504E47 or uint32be(0) == 0x47494638)
        and $stub and $header
}
